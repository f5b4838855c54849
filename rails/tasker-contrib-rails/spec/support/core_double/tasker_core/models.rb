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
end
