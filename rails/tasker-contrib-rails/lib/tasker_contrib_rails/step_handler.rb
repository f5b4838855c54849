# frozen_string_literal: true

require_relative "errors"
require_relative "outcome"

module TaskerContribRails
  # Base class of step handlers. The template names the class: +callable: Shop::ChargeHandler+. A new instance is made for each
  # execution. What {#call} returns is stored as the step's result; errors decide about another attempt: {PermanentError} ends
  # the step, {RetryableError} and every other error is retried as the template says.
  #
  # A step may run again, after a failure and when its worker was killed, so running it twice must do no harm: give effects
  # {#idempotency_key}.
  #
  # @example
  #   class Shop::ChargeHandler < Tasker::StepHandler
  #     def call(context)
  #       order = Order.find(context.get_input(:order_id))
  #       raise Tasker::PermanentError, "order #{order.id} is empty" if order.lines.empty?
  #
  #       { charge_id: Payments.charge(order).id }
  #     end
  #   end
  class StepHandler
    # @return [Hash] +handler.initialization+ of the template
    attr_reader :config

    # @param config [Hash]
    def initialize(config: {})
      @config = (config || {}).with_indifferent_access
    end

    # @param context [TaskerCore::Types::StepContext] inputs, results of earlier steps, configuration, attempt
    # @return [Object] the result: a hash, or what can be written as JSON
    def call(context)
      raise NotImplementedError, "#{self.class} must define call(context)"
    end

    # @return [Logger] the app's, with the ids of the step as tags
    def logger = TaskerContribRails.logger

    # The step's UUID: the same in every attempt, and when another worker takes the step over. Give it to effects that may be asked
    # for twice, as a header or as the value of a unique column.
    #
    # @return [String]
    # @raise [Error] outside of a step
    def idempotency_key
      @step_uuid || raise(Error, "there is no idempotency key outside of a step; in a test call the handler with run_step")
    end

    # @api private
    def for_step(context) = tap { @step_uuid = context.step_uuid }

    private

    # Stores progress and has the step called again; +context.checkpoint_cursor+ is then the cursor.
    def checkpoint(cursor:, items_processed:, accumulated_results: nil)
      Outcome::Checkpoint.new(cursor:, items_processed:, accumulated_results:)
    end
  end

  # Chooses which steps run next.
  #
  # @example
  #   class Shop::ReviewHandler < Tasker::DecisionHandler
  #     def call(context)
  #       context.get_input(:cents) > 100_00 ? route("ask_a_person", amount: "high") : skip("small amounts pass")
  #     end
  #   end
  class DecisionHandler < StepHandler
    private

    # @param steps [Array<String, Symbol>] names of steps below this one
    # @param details [Hash] stored with the result
    def route(*steps, **details)
      details.merge(decision_point_outcome: { type: "create_steps", step_names: steps.flatten.map(&:to_s) })
    end

    # Creates no step.
    def skip(reason, **details)
      details.merge(reason:, decision_point_outcome: { type: "no_branches" })
    end
  end
end
