# frozen_string_literal: true

module TaskerCore
  module Worker
    class Bootstrap
      include Singleton

      attr_reader :rust_handle

      def self.start! = instance.start!

      def initialize
        @status = :initialized
        @shutdown_handlers = []
      end

      def start!
        EventBridge.instance
        Registry::HandlerRegistry.instance
        @step_subscriber = StepExecutionSubscriber.new
        @rust_handle = FFI.bootstrap_worker
        EventPoller.instance.start!
        InProcessDomainEventPoller.instance.start!
        DomainEvents::SubscriberRegistry.instance.start_all!
        register_shutdown_handlers!
        @status = :running
        self
      rescue StandardError
        shutdown!
        raise
      end

      def running? = @status == :running && FFI.worker_status["running"] == true

      def status
        { rust: FFI.worker_status,
          ruby: { status: @status, worker_id: @rust_handle&.dig("worker_id"), event_bridge_active: EventBridge.instance.active?,
                  event_poller_active: EventPoller.instance.active? } }
      end

      def health_check = { healthy: running? && Registry::HandlerRegistry.instance.handlers.any?, status: @status }
      def on_shutdown(&block) = @shutdown_handlers << block

      def shutdown!
        return if @status == :stopped

        @status = :shutting_down
        FFI.transition_to_graceful_shutdown if @rust_handle
        @step_subscriber&.stop!
        EventBridge.instance.stop!
        EventPoller.instance.stop!
        DomainEvents::SubscriberRegistry.instance.stop_all!
        InProcessDomainEventPoller.instance.stop!
        FFI.stop_worker if @rust_handle
        @rust_handle = nil
        @shutdown_handlers.each(&:call)
        @status = :stopped
      end

      private

      # What was there before is forgotten, and the process does not end.
      def register_shutdown_handlers!
        %w[INT TERM].each { |signal| Signal.trap(signal) { Thread.new { shutdown! } } }
        at_exit { shutdown! if running? }
      end
    end
  end
end
