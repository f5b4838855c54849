# frozen_string_literal: true

module TaskerContribRails
  module Schedules
    # How far a scheduler is with one schedule. What it has missed is found out by asking for it: a task that exists is a conflict.
    #
    # @api private
    class Job
      # Seconds after which a slot counts as missed.
      GRACE = 60
      # Seconds between two attempts, at most.
      LONGEST_WAIT = 60.0

      # @return [Schedule]
      attr_reader :schedule
      # @return [Time, nil] when there is something to do; nil while paused
      attr_reader :wake_at

      def initialize(schedule, now)
        @schedule = schedule
        @done_till = schedule.missed == :skip ? now : now - schedule.missed_within
        @wake_at = schedule.paused ? nil : now
        @attempts = 0
      end

      # @yieldparam slot [Time]
      # @yieldreturn [Boolean] whether the slot is done; if not, it is due again after a while
      def run(now)
        return if @wake_at.nil? || now < @wake_at

        due(now).each do |slot|
          return put_off(now) unless yield(slot)

          @done_till = slot
          @attempts = 0
        end
        @done_till = [ @done_till, now ].max
        @wake_at = @schedule.next_after(@done_till)
      end

      private

      def due(now)
        slots = @schedule.between(@done_till, now)
        case @schedule.missed
        when :all then slots
        when :one then slots.last(1)
        when :skip then slots.last(1).select { |slot| now - slot <= GRACE }
        end
      end

      def put_off(now)
        @attempts += 1
        @wake_at = now + ([ 2.0**[ @attempts - 1, 10 ].min, LONGEST_WAIT ].min * rand(0.75..1.25))
      end
    end
  end
end
