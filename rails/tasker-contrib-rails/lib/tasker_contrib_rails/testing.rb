# frozen_string_literal: true

require_relative "../tasker_contrib_rails"
require_relative "testing/step_context"
require_relative "testing/workflow"

module TaskerContribRails
  # Tests without a server, a database or a native library.
  #
  # @example
  #   run = run_workflow("config/tasks/order.yaml", { order_id: 7 })
  #   run["charge"].result # => { "charged" => true }
  module Testing
    # The outcome of one execution of one step.
    class StepResult
      # @return [Outcome::Success, Outcome::Failure, Outcome::Checkpoint]
      attr_reader :outcome

      def initialize(outcome) = @outcome = outcome
      def success? = outcome.is_a?(Outcome::Success)
      def failure? = outcome.is_a?(Outcome::Failure)
      def checkpoint? = outcome.is_a?(Outcome::Checkpoint)
      # @return [Hash, nil] as later steps see it
      def result = success? ? outcome.result : nil
      # @return [String, nil]
      def error = failure? ? outcome.message : nil
      # @return [String, nil]
      def error_type = failure? ? outcome.error_type : nil
      # @return [String, nil]
      def error_code = failure? ? outcome.error_code : nil
      def retryable? = failure? && outcome.retryable
      # @return [Numeric, nil] seconds
      def retry_after = failure? ? outcome.retry_after : nil
      # @return [String] the result, or the failure
      def to_s = success? ? "complete with #{result}" : outcome.to_s
      alias inspect to_s
    end

    # For tests; RSpec's group +type: :step_handler+ and {MinitestHelpers} have it.
    module Helpers
      # @return [StepContext] see {StepContext.build} for the parameters
      def build_step_context(**) = StepContext.build(**)

      # Calls a handler as the worker does.
      #
      # @param handler [Class, #call] a handler class, or something that takes a context
      # @param options [Hash] see {StepContext.build}
      # @return [StepResult]
      def run_step(handler, **options)
        config = options.fetch(:config, {})
        context = StepContext.build(callable: handler.respond_to?(:name) ? handler.name.to_s : "handler", **options, config:)
        StepResult.new(Outcome.of(Testing.call(handler, context)))
      rescue ScriptError, StandardError => error
        raise if Testing.assertion?(error)

        StepResult.new(Outcome.from_exception(error))
      end

      # Runs a whole template in memory.
      #
      # @param template [String, Pathname, Hash] a file, or its content
      # @param context [Hash]
      # @param handlers [Hash{String => #call, Class}] by callable, over the app's classes
      # @return [WorkflowRun]
      def run_workflow(template, context = {}, handlers: {}) = Workflow.new(template, context, handlers:).run
    end

    # Records the tasks that a block creates through +Tasker+ instead of sending them.
    #
    # @return [Array<Hash>] name, namespace, version, context
    def self.recording_tasks
      recorder = Recorder.new
      previous = App.instance_variable_get(:@client)
      App.instance_variable_set(:@client, recorder)
      yield
      recorder.created
    ensure
      App.instance_variable_set(:@client, previous)
    end

    # Stands in for {Client} in {Testing.recording_tasks}.
    #
    # @api private
    class Recorder
      attr_reader :created

      def initialize = @created = []

      def create_task(name, context = {}, namespace: "default", version: "1.0.0", **)
        task = { name: name.to_s, namespace: namespace.to_s, version: version.to_s, context: Client::Context.to_json_object(context) }
        @created << task
        Client::Task.new(task.transform_keys(&:to_s).merge("task_uuid" => SecureRandom.uuid, "status" => "pending"))
      end

      # No table is needed: a row is there when its transaction is committed.
      def enqueue_task(name, context = {}, namespace: "default", version: "1.0.0", **)
        AfterCommit.task { create_task(name, context, namespace:, version:) }
      end
    end

    # @return [Boolean] whether an error is a failed expectation of the test itself
    # @api private
    def self.assertion?(error) = error.class.name.to_s.start_with?("RSpec::", "Minitest::")

    # @api private
    # @return [Object] what a handler, given as a class or as something with +call+, returned
    def self.call(handler, context)
      return handler.call(context) unless handler.is_a?(Class)

      instance = Handlers.send(:build, handler, context)
      instance.is_a?(BatchWorker) ? instance.perform(context) : instance.call(context)
    end
  end
end
