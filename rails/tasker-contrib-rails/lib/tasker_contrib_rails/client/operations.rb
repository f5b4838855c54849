# frozen_string_literal: true

require "etc"

module TaskerContribRails
  class Client
    # What operators ask and do. Answers without a class of their own are hashes, as the server gives them.
    module Operations
      # What became of a dead letter.
      RESOLUTIONS = %w[Pending ManuallyResolved PermanentlyFailed Cancelled].freeze

      # @param task [Task, String] the task or its UUID
      # @param step [Step, String] the step or its UUID
      # @return [Step]
      # @raise [NotFoundError]
      def get_step(task, step) = Step.new(call(__method__, :get, step_path(task, step)))

      # Lets a step in +error+ run again. Its attempts go on counting. The server only moves the step; the task goes on when
      # +tasker-recovery+ looks at it next.
      #
      # @param reason [String] for those who read the history
      # @param by [String] who asks for it; the user of this process
      # @return [Step]
      # @raise [NotFoundError]
      # @raise [InvalidRequestError] the step is not in +error+
      # @example
      #   Tasker.client.steps(task).select { |step| step.current_state == "error" }.each do |step|
      #     Tasker.client.retry_step(task, step, reason: "the bank is back")
      #   end
      def retry_step(task, step, reason:, by: whoami) = change_step(__method__, task, step, action_type: "reset_for_retry", reason:, reset_by: by)

      # Counts a step as done by hand. Later steps see no result of it.
      #
      # @return [Step]
      # @raise [NotFoundError]
      # @raise [InvalidRequestError] the step is complete already
      # @see #retry_step
      def resolve_step(task, step, reason:, by: whoami) = change_step(__method__, task, step, action_type: "resolve_manually", reason:, resolved_by: by)

      # Counts a step as done by hand, with the result that later steps see.
      #
      # @param result [Hash] what the handler would have returned
      # @return [Step]
      # @raise [NotFoundError]
      # @raise [InvalidRequestError] the step is complete already
      # @see #retry_step
      def complete_step(task, step, result, reason:, by: whoami)
        change_step(__method__, task, step, action_type: "complete_manually", completion_data: { result: }, reason:, completed_by: by)
      end

      # @return [Array<Hash>] the executions of a step, with their results
      # @raise [NotFoundError]
      def step_audit(task, step) = call(__method__, :get, "#{step_path(task, step)}/audit")

      # @return [Hash] a task without contexts and results: what a page may show to anybody
      # @raise [NotFoundError]
      def task_summary(task) = call(__method__, :get, "/v1/tasks/#{uuid(task)}/summary")

      # @param namespace [String, nil] only of this namespace
      # @return [Array<Hash>] the templates that workers have registered
      def list_templates(namespace: nil) = call(__method__, :get, "/v1/templates", params: { namespace: }.compact).fetch("templates")

      # @return [Hash] a registered template with its steps
      # @raise [NotFoundError] no worker has registered it
      def get_template(namespace, name, version)
        path = [ namespace, name, version ].map { |part| ERB::Util.url_encode(part) }.join("/")
        call(__method__, :get, "/v1/templates/#{path}")
      end

      # @return [Hash] counts and durations of the last hours
      def performance(hours: 24) = call(__method__, :get, "/v1/analytics/performance", params: { hours: })

      # @param limit [Integer] how many of each
      # @param min_executions [Integer] leave out what ran more rarely
      # @return [Hash] the steps and tasks that take longest
      def bottlenecks(limit: 10, min_executions: 5) = call(__method__, :get, "/v1/analytics/bottlenecks", params: { limit:, min_executions: })

      # @param resolution [String, nil] only entries with this status, one of {RESOLUTIONS}
      # @return [Array<Hash>] the dead letter queue
      # @raise [InvalidRequestError] another status
      def dead_letters(resolution: nil, limit: 50, offset: 0)
        check_resolution(resolution) if resolution
        call(__method__, :get, "/v1/dlq", params: { resolution_status: resolution, limit:, offset: }.compact)
      end

      # @return [Hash] the newest entry of a task in the dead letter queue
      # @raise [NotFoundError] it was never given up
      def dead_letter(task) = call(__method__, :get, "/v1/dlq/task/#{uuid(task)}")

      # Says what became of an entry of the dead letter queue. The task stays as it is.
      #
      # @param entry [Hash, String] the entry or its UUID
      # @param resolution [String] one of {RESOLUTIONS}
      # @param notes [String, nil] for those who read it
      # @return [nil]
      # @raise [NotFoundError]
      # @raise [InvalidRequestError] another status
      def update_dead_letter(entry, resolution:, notes: nil, by: whoami)
        check_resolution(resolution)
        entry = entry.fetch("dlq_entry_uuid") if entry.is_a?(Hash)
        body = { resolution_status: resolution, resolution_notes: notes, resolved_by: by }.compact
        call(__method__, :patch, "/v1/dlq/entry/#{uuid(entry)}", body:)
        nil
      end

      # @return [Array<Hash>] how many tasks were given up, by reason
      def dead_letter_stats = call(__method__, :get, "/v1/dlq/stats")

      # @return [Array<Hash>] the dead letters that nobody has looked at, the most urgent first
      def investigation_queue(limit: 100) = call(__method__, :get, "/v1/dlq/investigation-queue", params: { limit: })

      # @return [Array<Hash>] tasks by how long they have been in their state
      def stale_tasks(limit: 100) = call(__method__, :get, "/v1/dlq/staleness", params: { limit: })

      private

      def change_step(operation, task, step, **body) = Step.new(call(operation, :patch, step_path(task, step), body:))

      def step_path(task, step)
        step = step.step_uuid if step.is_a?(Step)
        "/v1/tasks/#{uuid(task)}/workflow_steps/#{uuid(step)}"
      end

      def check_resolution(word)
        raise InvalidRequestError, "resolution must be one of #{RESOLUTIONS.join(", ")}, not #{word.inspect}" unless RESOLUTIONS.include?(word)
      end

      def whoami = Etc.getlogin || "unknown"
    end
  end
end
