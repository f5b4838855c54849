# frozen_string_literal: true

require_relative "errors"
require_relative "outcome"

module TaskerContribRails
  # Base class of step handlers. The template names the class: +callable: Shop::ChargeHandler+. A new instance is made for each
  # execution. What {#call} returns is stored as the step's result; errors decide about another attempt: {PermanentError} ends
  # the step, {RetryableError} and every other error is retried as the template says.
  #
  # A step may run again after a failure, so running it twice must do no harm.
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
