# frozen_string_literal: true

module TaskerContribRails
  module Worker
    # What Rails puts around a unit of work: reloaded code, query cache, database connections that go back to their pool, and
    # log lines with the ids of the step.
    #
    # @api private
    module Surroundings
      module_function

      # @param step [StepRun]
      def around(step, &)
        tagged(step) { reloading(&) }
      end

      # An unexpected error of a handler, to the app's error reporter.
      def report(error, step)
        return unless defined?(::Rails) && ::Rails.respond_to?(:error)

        ::Rails.error.report(error, handled: true, source: "tasker", context: step.ids.merge(handler: step.handler, attempt: step.attempt))
      rescue StandardError => problem
        TaskerContribRails.logger.error("the error reporter failed: #{problem.class}: #{problem.message}")
      end

      # @api private
      def reloading(&)
        app = defined?(::Rails) && ::Rails.respond_to?(:application) && ::Rails.application
        app ? app.reloader.wrap(&) : yield
      end

      def tagged(step, &)
        logger = TaskerContribRails.logger
        return yield unless logger.respond_to?(:tagged)

        logger.tagged("tasker", "task=#{step.task_uuid}", "step=#{step.step_uuid}", &)
      end
      private_class_method :tagged
    end
  end
end
