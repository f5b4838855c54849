# frozen_string_literal: true

require "securerandom"

module TaskerContribRails
  module Testing
    # What a handler gets, without Core: the same methods as TaskerCore::Types::StepContext. Make one with {.build}.
    class StepContext
      # The task, under the names that Core has.
      Task = Data.define(:task_uuid, :context, :namespace_name, :task_name, :task_version)
      # The step of this task.
      WorkflowStep = Data.define(:workflow_step_uuid, :name, :attempts, :max_attempts, :retryable, :inputs, :results, :checkpoint)
      # The step in the template.
      Definition = Data.define(:name, :description, :handler, :dependencies, :retry, :timeout_seconds, :publishes_events)
      # Its handler in the template.
      Handler = Data.define(:callable, :initialization, :handler_method, :resolver)

      # Results of earlier steps.
      class Dependencies
        def initialize(results) = @results = results.transform_values { |value| { result: value.as_json } }.with_indifferent_access
        # @return [Hash, nil] the whole result
        def get_result(step) = @results[step]
        alias [] get_result
        # @return [Object, nil] what the handler returned
        def get_results(step) = @results[step]&.fetch("result")
        # @return [Array<String>] steps
        def keys = @results.keys
        # @return [Boolean]
        def key?(step) = @results.key?(step)
        # @yieldparam step [String]
        def each_key(&) = keys.each(&)
      end

      attr_reader :task, :workflow_step, :dependency_results, :step_definition

      # @param context [Hash] the task's context
      # @param results [Hash] of earlier steps, by their names
      # @param config [Hash] +handler.initialization+ of the template
      # @param attempt [Integer] 1 for the first
      # @param cursor [Hash, Range, nil] the range of a batch worker
      # @param checkpoint [Hash, nil] cursor, items_processed, accumulated_results
      # @param idempotency_key [String] the step's UUID
      # @return [StepContext]
      def self.build(context: {}, results: {}, config: {}, attempt: 1, max_attempts: 3, step: "step", callable: "Handler", inputs: nil, cursor: nil, no_op: false,
                     checkpoint: nil, task: "task", namespace: "default", version: "1.0.0", template_step: step, task_uuid: SecureRandom.uuid, idempotency_key: SecureRandom.uuid)
        inputs ||= config.as_json.merge(cursor ? { "cursor" => range(cursor) } : {}, no_op ? { "is_no_op" => true } : {})
        new(
          task: Task.new(task_uuid:, context: context.as_json.with_indifferent_access, namespace_name: namespace, task_name: task, task_version: version),
          workflow_step: WorkflowStep.new(workflow_step_uuid: idempotency_key, name: step, attempts: attempt - 1, max_attempts:, retryable: true,
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

      # @return [String]
      def task_uuid = task.task_uuid
      # @return [String]
      def step_uuid = workflow_step.workflow_step_uuid
      # @return [String] of an instance of a batch worker: with its number
      def step_name = workflow_step.name
      # @return [String]
      def namespace_name = task.namespace_name
      # @return [String] the callable
      def handler_name = step_definition.handler.callable
      # @return [Hash] of the task, with String or Symbol keys
      def context = task.context
      # @return [Hash] of the step itself: the range of a batch worker
      def input_data = workflow_step.inputs
      alias step_inputs input_data
      # @return [Hash] +handler.initialization+ of the template
      def step_config = step_definition.handler.initialization
      # @return [Object, nil] a key of it
      def get_config(key) = step_config[key.to_s]
      # @return [Object, nil] a key of the task's context; also +get_input+
      def get_task_field(name) = context[name.to_s]
      alias get_input get_task_field
      # @return [Object] a key of the task's context, or the default
      def get_input_or(name, default = nil) = get_input(name).then { |value| value.nil? ? default : value }
      # @return [Object, nil] the result of an earlier step
      def get_dependency_result(step) = dependency_results.get_results(step)
      # @return [Object, nil] a part of it, by keys
      def get_dependency_field(step, *path) = get_dependency_result(step)&.dig(*path.map(&:to_s))
      # @return [Integer] attempts before this one
      def retry_count = workflow_step.attempts
      # @return [Integer] most attempts
      def max_retries = workflow_step.max_attempts
      # @return [Boolean]
      def is_retry? = retry_count.positive?
      # @return [Boolean]
      def is_last_retry? = retry_count >= max_retries - 1
      # @return [Boolean]
      def retryable? = workflow_step.retryable
      # @return [Hash, nil] what was stored last
      def checkpoint = workflow_step.checkpoint
      # @return [Object, nil]
      def checkpoint_cursor = checkpoint&.dig("cursor")
      # @return [Integer]
      def checkpoint_items_processed = checkpoint&.dig("items_processed") || 0
      # @return [Object, nil]
      def accumulated_results = checkpoint&.dig("accumulated_results")
      # @return [Boolean]
      def has_checkpoint? = !checkpoint_cursor.nil?
    end
  end
end
