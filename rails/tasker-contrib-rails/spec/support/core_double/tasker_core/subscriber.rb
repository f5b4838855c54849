# frozen_string_literal: true

module TaskerCore
  module Worker
    class EventBridge
      include Singleton

      Event = Data.define(:id, :payload)

      attr_reader :active

      def initialize
        @active = true
        @subscribers = Hash.new { |hash, name| hash[name] = [] }
      end

      def active? = @active
      # There is no way back.
      def stop! = @active = false
      def subscribe(name, &block) = @subscribers[name] << block
      def subscribe_to_step_execution(&) = subscribe("step.execution.received", &)

      def publish_step_execution(event_data)
        return unless active?

        data = event_data.to_h.deep_symbolize_keys
        publish("step.execution.received", data.merge(task_sequence_step: Models::TaskSequenceStepWrapper.new(data[:task_sequence_step])))
      end

      def publish_step_completion(completion_data)
        return unless active?

        FFI.complete_step_event(completion_data[:event_id].to_s, completion_data.deep_stringify_keys)
        publish("step.completion.sent", completion_data)
      rescue TypeError => error
        FFI.complete_step_event(completion_data[:event_id].to_s, "success" => false, "error" => { "message" => "FFI serialization failed: #{error.message}", "retryable" => false })
      end

      def publish_step_checkpoint_yield(checkpoint_data)
        return false unless active?

        FFI.checkpoint_yield_step_event(checkpoint_data[:event_id].to_s, checkpoint_data.deep_stringify_keys)
      end

      private

      def publish(name, payload) = @subscribers[name].each { |block| block.call(Event.new(name, payload)) }
    end

    class StepExecutionSubscriber
      def initialize
        @active = true
        EventBridge.instance.subscribe_to_step_execution { |event| call(event) }
      end

      def active? = @active
      def stop! = @active = false

      # One step after the other, on the poller's thread. Neither the message nor a delay is sent.
      def call(event)
        data = event.payload
        step = data[:task_sequence_step]
        handler = Registry::HandlerRegistry.instance.resolve_handler(step.step_definition.handler)
        result = Types::StepHandlerCallResult.from_handler_output(handler.call(Types::StepContext.new(step)))
        complete(data, success: result.success?, result: result.success? ? result.result : nil, error_message: result.success? ? nil : result.message, retryable: true)
      rescue StandardError => error
        complete(data, success: false, result: nil, error_message: error.message, retryable: Errors::ErrorClassifier.retryable?(error))
      end

      private

      def complete(data, success:, result:, error_message:, retryable:)
        EventBridge.instance.publish_step_completion(data.slice(:event_id, :task_uuid, :step_uuid).merge(success:, result:, error_message:, metadata: { retryable: }))
      end
    end

    class EventPoller
      include Singleton

      attr_reader :active, :polling_thread

      def active? = @active || false

      def start!
        return if @active

        @active = true
        @polling_thread = Thread.new { poll while @active }
      end

      def stop!
        return unless @active

        @active = false
        @polling_thread.join(0.2) || @polling_thread.kill
      end

      def ffi_dispatch_metrics = FFI.get_ffi_dispatch_metrics

      private

      def poll
        event = FFI.poll_step_events
        event ? EventBridge.instance.publish_step_execution(event) : sleep(0.002)
      rescue StandardError => error
        Native.journal("poller_error", message: error.message)
        sleep(0.01)
      end
    end
  end
end
