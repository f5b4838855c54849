# frozen_string_literal: true

require "socket"
require_relative "../backoff"
require_relative "../outcome"

module TaskerContribRails
  module Worker
    # An outcome as Core's event bridge wants it. Core's own Ruby layer sends neither the message of a failure nor any delay.
    #
    # @api private
    module Answer
      module_function

      # @param step [StepRun]
      # @param outcome [Outcome::Success, Outcome::Failure]
      # @return [Hash]
      def completion(step, outcome)
        success = outcome.is_a?(Outcome::Success)
        payload = ids(step).merge(success:, status: success ? "completed" : "failed", result: success ? outcome.result : nil, metadata: metadata(step, outcome))
        return payload if success

        payload.merge(error_message: outcome.message, error: error(outcome, retryable?(step, outcome)), **delay(step, outcome))
      end

      def checkpoint(step, outcome)
        { event_id: step.event_id, step_uuid: step.step_uuid, cursor: outcome.cursor.as_json, items_processed: outcome.items_processed,
          accumulated_results: outcome.accumulated_results.as_json }
      end

      # Core leaves a step that the template forbids to retry in `waiting_for_retry` when its failure says retryable.
      def retryable?(step, failure)
        failure.retryable && step.retry_table["retryable"] != false
      end

      # @return [Integer, nil] seconds until the step is tried again; nil if it is not
      def retry_after(step, failure)
        Backoff.seconds(step.retry_table, step.attempt, failure.retry_after) if retryable?(step, failure) && step.attempt < step.max_attempts
      end

      def ids(step)
        { event_id: step.event_id, task_uuid: step.task_uuid, step_uuid: step.step_uuid, trace_id: step.event[:trace_id], span_id: step.event[:span_id] }.compact
      end
      private_class_method :ids

      def metadata(step, outcome)
        success = outcome.is_a?(Outcome::Success)
        custom = success ? outcome.metadata : { error_type: outcome.error_type, error_code: outcome.error_code, context: outcome.context }
        { execution_time_ms: (step.duration * 1000).round, handler_version: nil, retryable: success || retryable?(step, outcome),
          completed_at: Time.now.utc.iso8601(3), started_at: step.started_at.iso8601(3), worker_id: "ruby-#{Process.pid}",
          worker_hostname: Socket.gethostname, custom: { handler_class: step.handler, **custom }.as_json }
      end
      private_class_method :metadata

      def error(failure, retryable)
        context = failure.error_code ? failure.context.merge("error_code" => failure.error_code) : failure.context
        { message: failure.message, error_type: failure.error_type, retryable:, backtrace: failure.backtrace, status_code: failure.status_code, context: }
      end
      private_class_method :error

      # The only delay that Core honours.
      def delay(step, failure)
        seconds = retry_after(step, failure)
        return {} unless seconds&.positive?

        { orchestration_metadata: { headers: { "retry-after" => seconds.to_s }, error_context: failure.message, backoff_hint: nil, custom: {} } }
      end
      private_class_method :delay
    end
  end
end
