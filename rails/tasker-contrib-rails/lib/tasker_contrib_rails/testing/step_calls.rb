# frozen_string_literal: true

require_relative "../handlers"
require_relative "step_context"

module TaskerContribRails
  module Testing
    # Calls the handlers of a {Workflow}: the app's classes, or what a test gave for a callable.
    #
    # @api private
    class StepCalls
      # A handler that always wants to be called again would never end.
      MOST_CHECKPOINTS = 1000

      # @param template [Templates::Template]
      # @param context [Hash] of the task
      # @param handlers [Hash{String => #call, Class}] by callable
      def initialize(template, context, handlers)
        @template = template
        @context = context
        @handlers = handlers
      end

      # @param node [TaskGraph::Node]
      # @param results [Hash{String => Object}] of earlier steps
      # @param key [String] the step's idempotency key
      # @yieldparam cursor [Object] of each checkpoint on the way
      # @return [Outcome::Success, Outcome::Failure]
      # @raise [Error] it never stops storing checkpoints
      def to_the_end(node, results, key)
        outcome = call(node, results, key, nil)
        checkpoints = 0
        while outcome.is_a?(Outcome::Checkpoint)
          raise Error, "step '#{node.name}' stored #{MOST_CHECKPOINTS} checkpoints and did not end" if (checkpoints += 1) > MOST_CHECKPOINTS

          yield outcome.cursor
          outcome = call(node, results, key, outcome.to_h)
        end
        outcome
      end

      private

      def call(node, results, key, checkpoint)
        context = context_of(node, results, key, checkpoint)
        override = @handlers[node.spec.callable]
        Outcome.of(override ? Testing.call(override, context) : Handlers.call(node.spec.callable, context))
      rescue Handlers::NotFound => error
        Outcome::Failure.new(message: error.message, error_type: Contract::ERROR_TYPES[:not_found], retryable: false)
      rescue ScriptError, StandardError => error
        raise if Testing.assertion?(error)

        Outcome.from_exception(error)
      end

      def context_of(node, results, key, checkpoint)
        StepContext.build(context: @context, results:, idempotency_key: key, config: node.spec.initialization, inputs: node.inputs, attempt: node.attempts + 1,
          max_attempts: node.spec.max_attempts, step: node.name, template_step: node.spec.name, callable: node.spec.callable, checkpoint:,
          task: @template.name, namespace: @template.namespace, version: @template.version)
      end
    end
  end
end
