# frozen_string_literal: true

require "active_support/notifications"
require "securerandom"
require_relative "contract"

module TaskerContribRails
  # Publishes what happens as ActiveSupport notifications, named in {Contract::EVENTS}. A subscriber that raises is logged and
  # disturbs nothing.
  #
  # @example
  #   ActiveSupport::Notifications.subscribe("step_failed.tasker") { |event| Pager.call(event.payload[:message]) }
  #
  # @api private
  module Events
    # Older names, published as well when the setting +legacy_events+ is on.
    LEGACY = {
      step_started: "tasker.step_execution_started", step_completed: "tasker.step_execution_completed", step_failed: "tasker.step_execution_failed",
      worker_started: "tasker.worker_started", worker_stopped: "tasker.worker_stopped", domain_event: "tasker.domain_event"
    }.freeze
    # Keys of every payload.
    COMMON = %i[task_uuid step_uuid step namespace correlation_id at].freeze

    class << self
      # @return [Boolean]
      attr_accessor :legacy

      # @param key [Symbol] of {Contract::EVENTS}
      # @param payload [Hash] symbol keys; keywords are a part of it
      # @param duration [Float] seconds that it took
      def publish(key, payload = {}, duration: 0.0, **more)
        payload = COMMON.to_h { |name| [ name, nil ] }.merge(at: Time.now.utc).merge(payload, more)
        notify(Contract::EVENTS.fetch(key), payload, duration)
        notify(LEGACY[key], payload, duration) if legacy && LEGACY.key?(key)
        report(key, payload)
      end

      # Gives events to the methods of a class that have their names, such as +step_failed+. The class is looked up for each event, so
      # that code reloading works. The same name counts once.
      #
      # @param name [String] of the class
      # @return [void]
      def attach(name)
        attached[name] ||= ActiveSupport::Notifications.subscribe(/\.tasker\z/) do |event|
          method = event.name.delete_suffix(".tasker")
          subscriber = name.constantize
          subscriber.new.public_send(method, event) if subscriber.method_defined?(method)
        end
      end

      private

      def attached = @attached ||= {}

      def notify(name, payload, duration)
        now = Time.now
        ActiveSupport::Notifications.publish_event(ActiveSupport::Notifications::Event.new(name, now - duration, now, SecureRandom.hex(10), payload))
      rescue StandardError, ScriptError, SystemStackError => error
        log(name, error)
      end

      # Structured events of Rails 8.1.
      def report(key, payload)
        ::Rails.event.notify("tasker.#{key}", **payload) if defined?(::Rails) && ::Rails.respond_to?(:event)
      rescue StandardError, ScriptError, SystemStackError => error
        log(key, error)
      end

      def log(name, error)
        errors = error.respond_to?(:exceptions) ? error.exceptions : [ error ]
        errors.each { |one| TaskerContribRails.logger.error("a subscriber of #{name} failed: #{one.class}: #{one.message}") }
      end
    end
    self.legacy = false
  end
end
