# frozen_string_literal: true

module TaskerCore
  # The native functions.
  module FFI
    class << self
      def bootstrap_worker = Native.boot
      def stop_worker = Native.stop
      def transition_to_graceful_shutdown = Native.stop_claiming
      def poll_step_events = Native.poll
      def complete_step_event(event_id, payload) = Native.complete(event_id, payload)
      def checkpoint_yield_step_event(event_id, payload) = Native.checkpoint(event_id, payload)
      def poll_in_process_events(_most) = Native.domain_events
      def in_process_event_stats = {}
      def check_starvation_warnings = nil
      def get_ffi_dispatch_metrics = { "pending_count" => Native.pending, "starvation_detected" => false, "starving_event_count" => 0 }

      def worker_status
        return { "running" => false, "error" => "not running" } unless Native.running?

        { "running" => true, "environment" => "test", "worker_core_status" => "Running", "web_api_enabled" => false,
          "supported_namespaces" => [ "shop" ], "database_pool_size" => 5, "database_pool_idle" => 4 }
      end

      %i[error warn info debug trace].each { |level| define_method(:"log_#{level}") { |message, _fields| Native.journal("log", level:, message:) } }

      def client_health_check
        raise "Worker system not running" unless Native.running?

        Native.hold(Native.stop_seconds)
        { "healthy" => true }
      end
    end
  end
end
