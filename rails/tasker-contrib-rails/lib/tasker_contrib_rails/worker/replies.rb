# frozen_string_literal: true

require_relative "../events"
require_relative "answer"

module TaskerContribRails
  module Worker
    # Answers steps, each once only, through Core's bridge, and publishes the outcomes.
    #
    # @api private
    class Replies
      # Seconds that a cut step waits, so that this dying worker does not claim it again.
      CUT_DELAY = 2

      # @param bridge [TaskerCore::Worker::EventBridge]
      # @param executions [Executions]
      def initialize(bridge, executions)
        @bridge = bridge
        @executions = executions
      end

      # @param step [StepRun]
      # @param outcome [Outcome::Success, Outcome::Failure, Outcome::Checkpoint]
      # @param counted [String, nil] the word for the metrics, where the outcome alone does not say it
      # @return [Boolean] whether this was the answer; false if there was one already
      def finish(step, outcome, counted = nil)
        return false unless step.answer!

        deliver(step, outcome, counted)
        true
      end

      # The worker stops: another one tries the step again.
      #
      # @return [Boolean]
      def hand_back(step, message)
        finish(step, Outcome::Failure.new(message:, error_type: Contract::ERROR_TYPES[:worker_stopped], retry_after: CUT_DELAY), "cut")
      end

      # A Ruby thread cannot be stopped safely: the step is answered, and the handler goes on.
      def time_out(step)
        return unless step.answer!

        step.hang!
        Events.publish(:step_timed_out, step.ids.merge(handler: step.handler, attempt: step.attempt, timeout_seconds: step.timeout, hung: true))
        deliver(step, Outcome::Failure.new(message: "the handler exceeded timeout_seconds: #{step.timeout}", error_type: Contract::ERROR_TYPES[:timeout]), "timed_out")
      rescue Exception => error # rubocop:disable Lint/RescueException -- the timer goes on
        TaskerContribRails.logger.error("step #{step.step_uuid}: the timeout could not be sent: #{error.class}: #{Storable.message(error)}")
      end

      private

      # What Core refuses becomes a failure: without an answer the step would stay in progress.
      def deliver(step, outcome, counted)
        outcome.is_a?(Outcome::Checkpoint) ? checkpoint(step, outcome) : complete(step, outcome, counted)
      rescue Exception => error # rubocop:disable Lint/RescueException -- a SystemStackError, for example
        retryable = outcome.is_a?(Outcome::Failure) && outcome.retryable
        complete(step, Outcome.refused("Core refused the result: #{error.class}: #{Storable.message(error)}").with(retryable:), counted)
      end

      def checkpoint(step, outcome)
        unless @bridge.publish_step_checkpoint_yield(Answer.checkpoint(step, outcome))
          return complete(step, Outcome.refused("Core did not store the checkpoint; only steps of type batch_worker can have one"))
        end
        count(step, "checkpointed")
        publish(:step_checkpointed, step, cursor: outcome.cursor, items_processed: outcome.items_processed)
      end

      def complete(step, outcome, counted = nil)
        @bridge.publish_step_completion(Answer.completion(step, outcome))
        count(step, counted || word(step, outcome))
        return publish(:step_completed, step) if outcome.is_a?(Outcome::Success)

        publish(:step_failed, step, error_type: outcome.error_type, message: outcome.message,
          retryable: Answer.retryable?(step, outcome), retry_after: Answer.retry_after(step, outcome))
      end

      def word(step, outcome)
        return "completed" if outcome.is_a?(Outcome::Success)

        Answer.retryable?(step, outcome) ? "retryable" : "failed"
      end

      # A step that is handed back before it began is no execution.
      def count(step, word)
        @executions.add(step.handler, word, step.duration) if step.begun?
      end

      def publish(key, step, **data)
        Events.publish(key, step.ids.merge(handler: step.handler, attempt: step.attempt, duration_ms: (step.duration * 1000).round(1), **data), duration: step.duration)
      end
    end
  end
end
