# frozen_string_literal: true

module TaskerCore
  module Worker
    class InProcessDomainEventPoller
      include Singleton

      def initialize
        @subscribers = Hash.new { |hash, pattern| hash[pattern] = [] }
        @active = false
      end

      def subscribe(pattern, &handler) = @subscribers[pattern] << handler
      def unsubscribe(pattern) = @subscribers.delete(pattern)
      def active? = @active
      def subscriber_count = @subscribers.values.sum(&:size)
      def stats = { active: @active, subscriber_count:, patterns: @subscribers.keys, ffi: {} }

      def start!
        return if @active

        @active = true
        @thread = Thread.new { poll while @active }
      end

      def stop!
        @active = false
        @thread&.join(0.5)
      end

      private

      def poll
        events = FFI.poll_in_process_events(10)
        return sleep(0.005) if events.empty?

        # It looks for symbol keys, so payloads stay text.
        events.each { |event| @subscribers.each { |pattern, blocks| blocks.each { |block| block.call(event) } if matches?(pattern, event["event_name"]) } }
      end

      def matches?(pattern, name) = pattern == "*" || pattern == name || (pattern.end_with?(".*") && name.start_with?(pattern.delete_suffix("*")))
    end
  end

  module DomainEvents
    class BaseSubscriber
      def self.subscribes_to(*patterns) = @patterns = patterns.flatten
      def self.patterns = @patterns || [ "*" ]

      def start!
        @active = true
        self.class.patterns.each { |pattern| Worker::InProcessDomainEventPoller.instance.subscribe(pattern) { |event| handle(event) if @active } }
      end

      def stop! = @active = false
      def active? = @active || false
      def handle(event) = raise(NotImplementedError, event.class.name)
    end

    class SubscriberRegistry
      include Singleton

      def initialize
        @classes = []
        @subscribers = []
      end

      def register(subscriber_class) = @classes << subscriber_class

      def start_all!
        @subscribers.concat(@classes.map(&:new)).each(&:start!)
      end

      def stop_all! = @subscribers.each(&:stop!)
      def stats = { subscriber_count: @subscribers.size }
    end
  end
end
