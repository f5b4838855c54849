# frozen_string_literal: true

require "securerandom"

module TaskerContribRails
  module Testing
    # What a handler gets, without Core: the same methods as TaskerCore::Types::StepContext. Make one with {.build}.
    class StepContext
      # Parts of a step, under the names that Core has.
      Task = Data.define(:task_uuid, :context, :namespace_name, :task_name, :task_version)
      WorkflowStep = Data.define(:workflow_step_uuid, :name, :attempts, :max_attempts, :retryable, :inputs, :results, :checkpoint)
      Definition = Data.define(:name, :description, :handler, :dependencies, :retry, :timeout_seconds, :publishes_events)
      Handler = Data.define(:callable, :initialization, :handler_method, :resolver)

      # Results of earlier steps.
      class Dependencies
        def initialize(results) = @results = results.transform_values { |value| { result: value.as_json } }.with_indifferent_access
        def get_result(step) = @results[step]
        alias [] get_result
        def get_results(step) = @results[step]&.fetch("result")
        def keys = @results.keys
        def key?(step) = @results.key?(step)
        def each_key(&) = keys.each(&)
      end

      attr_reader :task, :workflow_step, :dependency_results, :step_definition

      # @param context [Hash] the task's context
      # @param results [Hash] of earlier steps, by their names
      # @param config [Hash] +handler.initialization+ of the template
      # @param attempt [Integer] 1 for the first
      # @param cursor [Hash, Range, nil] the range of a batch worker
      # @param checkpoint [Hash, nil] cursor, items_processed, accumulated_results
      # @return [StepContext]
      def self.build(context: {}, results: {}, config: {}, attempt: 1, max_attempts: 3, step: "step", callable: "Handler", inputs: nil, cursor: nil, no_op: false,
                     checkpoint: nil, task: "task", namespace: "default", version: "1.0.0", template_step: step, task_uuid: SecureRandom.uuid)
        inputs ||= config.as_json.merge(cursor ? { "cursor" => range(cursor) } : {}, no_op ? { "is_no_op" => true } : {})
        new(
          task: Task.new(task_uuid:, context: context.as_json.with_indifferent_access, namespace_name: namespace, task_name: task, task_version: version),
          workflow_step: WorkflowStep.new(workflow_step_uuid: SecureRandom.uuid, name: step, attempts: attempt - 1, max_attempts:, retryable: true,
            inputs: inputs.as_json.with_indifferent_access, results: {}.with_indifferent_access, checkpoint: checkpoint&.as_json&.with_indifferent_access),
          dependency_results: Dependencies.new(results),
          step_definition: Definition.new(name: template_step, description: nil, dependencies: [], retry: {}, timeout_seconds: nil, publishes_events: [],
            handler: Handler.new(callable:, initialization: config.as_json.with_indifferent_access, handler_method: nil, resolver: nil))
        )
      end

      def self.range(cursor)
        return cursor unless cursor.is_a?(::Range)

        last = cursor.exclude_end? ? cursor.end : cursor.end + 1
        { batch_id: "001", start_cursor: cursor.begin, end_cursor: last, batch_size: last - cursor.begin }
      end
      private_class_method :range

      def initialize(task:, workflow_step:, dependency_results:, step_definition:)
        @task = task
        @workflow_step = workflow_step
        @dependency_results = dependency_results
        @step_definition = step_definition
      end

      def task_uuid = task.task_uuid
      def step_uuid = workflow_step.workflow_step_uuid
      def step_name = workflow_step.name
      def namespace_name = task.namespace_name
      def handler_name = step_definition.handler.callable
      def context = task.context
      def input_data = workflow_step.inputs
      alias step_inputs input_data
      def step_config = step_definition.handler.initialization
      def get_config(key) = step_config[key.to_s]
      def get_task_field(name) = context[name.to_s]
      alias get_input get_task_field
      def get_input_or(name, default = nil) = get_input(name).then { |value| value.nil? ? default : value }
      def get_dependency_result(step) = dependency_results.get_results(step)
      def get_dependency_field(step, *path) = get_dependency_result(step)&.dig(*path.map(&:to_s))
      def retry_count = workflow_step.attempts
      def max_retries = workflow_step.max_attempts
      def is_retry? = retry_count.positive?
      def is_last_retry? = retry_count >= max_retries - 1
      def retryable? = workflow_step.retryable
      def checkpoint = workflow_step.checkpoint
      def checkpoint_cursor = checkpoint&.dig("cursor")
      def checkpoint_items_processed = checkpoint&.dig("items_processed") || 0
      def accumulated_results = checkpoint&.dig("accumulated_results")
      def has_checkpoint? = !checkpoint_cursor.nil?
    end
  end
end
