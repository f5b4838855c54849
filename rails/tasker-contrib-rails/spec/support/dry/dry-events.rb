# frozen_string_literal: true

module Dry
  # As much of dry-events as Core's bridge needs: events that are registered, subscribed to and published.
  module Events
    # What a subscriber gets.
    Event = Data.define(:id, :payload) do
      def [](name) = payload.fetch(name)
      def to_h = payload
    end

    # Of a class that publishes.
    module Publisher
      def self.[](_name) = self

      def self.included(base) = base.extend(ClassMethods)

      # Events of the class.
      module ClassMethods
        def register_event(name, payload = {}) = events[name] = payload
        def events = @events ||= {}
      end

      def register_event(name, payload = {}) = self.class.register_event(name, payload)

      def subscribe(name, &block)
        raise ArgumentError, "no event '#{name}' is registered" unless self.class.events.key?(name)

        (listeners[name] ||= []) << block
        self
      end

      def publish(name, payload = {}) = Array(listeners[name]).each { |block| block.call(Event.new(id: name, payload:)) }

      private

      def listeners = @listeners ||= {}
    end
  end
end
