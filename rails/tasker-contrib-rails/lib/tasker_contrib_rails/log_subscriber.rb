# frozen_string_literal: true

require "active_support/log_subscriber"

module TaskerContribRails
  # Writes one line for each event to the app's log.
  #
  # @api private
  class LogSubscriber < ActiveSupport::LogSubscriber
    def step_started(event)
      debug { "started #{name(event)} attempt #{event.payload[:attempt]}" }
    end

    def step_completed(event)
      info { "completed #{name(event)} in #{event.payload[:duration_ms]} ms" }
    end

    def step_failed(event)
      payload = event.payload
      again = payload[:retry_after] ? "again in #{payload[:retry_after]} s" : "not tried again"
      # A failure that is tried again is not an error yet.
      public_send(payload[:retry_after] ? :warn : :error) { "failed #{name(event)} after #{payload[:duration_ms]} ms, #{again}: #{payload[:error_type]}: #{payload[:message]}" }
    end

    def step_checkpointed(event)
      info { "checkpoint of #{name(event)} at #{event.payload[:cursor]} after #{event.payload[:items_processed]} items" }
    end

    def step_timed_out(event)
      error { "#{name(event)} exceeded #{event.payload[:timeout_seconds]} s; the handler goes on and keeps one of the worker's threads" }
    end

    def worker_started(event)
      info { "worker #{event.payload[:worker_id]} runs steps of #{event.payload[:namespaces].join(", ")}" }
    end

    def worker_draining(event)
      info { "worker claims no more steps; #{event.payload[:in_flight]} in flight get #{event.payload[:timeout]} s" }
    end

    def worker_stopped(event)
      cut = event.payload[:cut].map { |step| "#{step[:step]} #{step[:step_uuid]}" }
      info { "worker stopped#{"; cut, and to be tried again: #{cut.join(", ")}" if cut.any?}" }
    end

    def logger = TaskerContribRails.logger

    private

    def name(event) = "#{event.payload[:step]} (#{event.payload[:handler]}) task=#{event.payload[:task_uuid]} step=#{event.payload[:step_uuid]}"
  end
end
