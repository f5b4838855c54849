# frozen_string_literal: true

module TaskerCore
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
  end
end
