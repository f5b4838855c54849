# frozen_string_literal: true

module TaskerCore
  module Models
    class TaskSequenceStepWrapper
      attr_reader :task, :workflow_step, :dependency_results, :step_definition

      def initialize(step_data)
        @task = TaskWrapper.new(step_data[:task])
        @workflow_step = WorkflowStepWrapper.new(step_data[:workflow_step])
        @dependency_results = DependencyResultsWrapper.new(step_data[:dependency_results])
        @step_definition = StepDefinitionWrapper.new(step_data[:step_definition])
      end
    end

    class TaskWrapper
      attr_reader :task_uuid, :context, :namespace_name, :task_name, :task_version

      def initialize(task_data)
        inner = task_data[:task] || task_data
        @task_uuid = inner[:task_uuid]
        @context = (inner[:context] || {}).with_indifferent_access
        @namespace_name, @task_name, @task_version = task_data.values_at(:namespace_name, :task_name, :task_version)
      end
    end

    class WorkflowStepWrapper
      attr_reader :workflow_step_uuid, :name, :retryable, :max_attempts, :attempts, :inputs, :results, :checkpoint

      def initialize(step_data)
        @workflow_step_uuid, @name, @retryable, @max_attempts, @attempts = step_data.values_at(:workflow_step_uuid, :name, :retryable, :max_attempts, :attempts)
        @inputs = (step_data[:inputs] || {}).with_indifferent_access
        @results = (step_data[:results] || {}).with_indifferent_access
        @checkpoint = step_data[:checkpoint]&.with_indifferent_access
      end
    end

    class DependencyResultsWrapper
      def initialize(results_data)
        @results = (results_data || {}).with_indifferent_access
      end

      def get_result(step_name) = @results[step_name]
      def [](step_name) = get_result(step_name)
      def keys = @results.keys
      def key?(step_name) = @results.key?(step_name)
      def each_key(&) = @results.keys.each(&)

      def get_results(step_name)
        found = @results[step_name]
        found.is_a?(Hash) && found.key?("result") ? found["result"] : found
      end
    end

    # It does not pass the step's type on.
    class StepDefinitionWrapper
      attr_reader :name, :description, :handler, :dependencies, :retry, :timeout_seconds, :publishes_events

      def initialize(definition_data)
        @name, @description, @timeout_seconds = definition_data.values_at(:name, :description, :timeout_seconds)
        @handler = HandlerWrapper.new(definition_data[:handler])
        @dependencies = definition_data[:dependencies] || []
        @retry = (definition_data[:retry] || {}).with_indifferent_access
        @publishes_events = definition_data[:publishes_events] || []
      end
    end

    class HandlerWrapper
      attr_reader :callable, :initialization, :handler_method, :resolver

      def initialize(handler_data)
        @callable, @handler_method, @resolver = handler_data.values_at(:callable, :method, :resolver)
        @initialization = (handler_data[:initialization] || {}).with_indifferent_access
      end
    end
  end

  module Types
    class StepContext
      attr_reader :task, :workflow_step, :dependency_results, :step_definition, :handler_name

      def initialize(step_data, handler_name: nil)
        step_data = Models::TaskSequenceStepWrapper.new(step_data) if step_data.is_a?(Hash)
        @task, @workflow_step = step_data.task, step_data.workflow_step
        @dependency_results, @step_definition = step_data.dependency_results, step_data.step_definition
        @handler_name = handler_name || @step_definition.handler&.callable
      end

      def task_uuid = task.task_uuid
      def step_uuid = workflow_step.workflow_step_uuid
      def step_name = workflow_step.name
      def namespace_name = task.namespace_name
      def context = task.context
      def input_data = workflow_step.inputs
      alias step_inputs input_data
      def step_config = step_definition.handler&.initialization || {}.with_indifferent_access
      def get_config(key) = step_config[key.to_s]
      def get_task_field(field_name) = context[field_name.to_s]
      alias get_input get_task_field
      def get_dependency_result(step_name) = dependency_results.get_results(step_name)
      def get_dependency_field(step_name, *path) = get_dependency_result(step_name)&.dig(*path.map(&:to_s))
      def retry_count = workflow_step.attempts || 0
      def max_retries = workflow_step.max_attempts || 3
      def is_retry? = retry_count.positive?
      def is_last_retry? = retry_count >= max_retries - 1
      def retryable? = workflow_step.retryable
      def checkpoint = workflow_step.checkpoint
      def checkpoint_cursor = checkpoint&.dig("cursor")
      def checkpoint_items_processed = checkpoint&.dig("items_processed") || 0
      def accumulated_results = checkpoint&.dig("accumulated_results")
      def has_checkpoint? = !checkpoint_cursor.nil?

      def get_input_or(field_name, default = nil)
        value = get_input(field_name)
        value.nil? ? default : value
      end
    end

    module StepHandlerCallResult
      Success = Data.define(:success, :result, :metadata) do
        def success? = true
        def checkpoint? = false
      end
      Error = Data.define(:success, :error_type, :message, :error_code, :retryable, :metadata) do
        def success? = false
        def checkpoint? = false
      end
      CheckpointYield = Data.define(:cursor, :items_processed, :accumulated_results) do
        def success? = false
        def checkpoint? = true
      end
      ERROR_TYPES = %w[PermanentError RetryableError ValidationError UnexpectedError StepCompletionError].freeze

      class << self
        def success(result:, metadata: {}) = Success.new(success: true, result:, metadata:)

        def error(error_type:, message:, error_code: nil, retryable: false, metadata: {})
          raise ArgumentError, "#{error_type} is no error type" unless ERROR_TYPES.include?(error_type)

          Error.new(success: false, error_type:, message:, error_code:, retryable:, metadata:)
        end

        def checkpoint_yield(cursor:, items_processed:, accumulated_results: nil) = CheckpointYield.new(cursor:, items_processed:, accumulated_results:)

        def from_handler_output(output)
          return output if [ Success, Error, CheckpointYield ].any? { |type| output.is_a?(type) }

          hash = output.is_a?(Hash) ? output.with_indifferent_access : {}
          case hash[:success]
          when true then success(result: hash[:result] || output, metadata: hash[:metadata] || {})
          when false
            error(error_type: hash[:error_type] || "UnexpectedError", message: hash[:message] || "Unknown error", error_code: hash[:error_code],
              retryable: hash[:retryable] || false, metadata: hash[:metadata] || {})
          else success(result: output, metadata: { wrapped: true, original_type: output.class.name })
          end
        end
      end
    end

    HandlerDefinition = Data.define(:callable, :initialization, :handler_method, :resolver) do
      def initialize(callable:, initialization: {}, handler_method: nil, resolver: nil) = super
    end
  end
end
