# frozen_string_literal: true

require "date"
require "tzinfo"

module TaskerContribRails
  module Schedules
    # The instants of an interval, counted from the epoch, so that all processes agree.
    #
    # @api private
    Interval = Data.define(:seconds) do
      # @param after [Time] not a part of the answer itself
      # @return [Enumerator::Lazy<Time>] later slots in UTC, without an end
      def after(after)
        first = ((after.to_r / seconds).floor + 1) * seconds
        (0..).lazy.map { |index| Time.at(first + (index * seconds)).utc }
      end
    end

    # The instants of a cron line in a time zone. Fugit says which days, hours and minutes a line means; what happens where clocks change is
    # decided here: a fixed hour comes once a day, any other hour whenever a clock shows it.
    #
    # @api private
    class Cron
      # Days without a slot after which there will be none, such as 30 February. Leap days are at most eight years apart.
      LONGEST_GAP = 366 * 9

      # @param line [Fugit::Cron] without a zone of its own
      # @param zone [TZInfo::Timezone]
      def initialize(line, zone)
        @line = line
        @zone = zone
        @hours = line.hours || (0..23).to_a
        @minutes = line.minutes || (0..59).to_a
        @fixed = !line.original.split[1].match?(%r{[*/]})
      end

      # @param after [Time] not a part of the answer itself
      # @return [Enumerator::Lazy<Time>] later slots in UTC; it ends if the line has none
      def after(after)
        days_from(@zone.to_local(after.utc).to_date - 1).flat_map { |day| on(day) }.select { |slot| slot > after }
      end

      private

      def days_from(first)
        Enumerator.new do |days|
          last = first
          (first..).each do |day|
            break if day - last > LONGEST_GAP
            next unless day?(day)

            last = day
            days << day
          end
        end.lazy
      end

      def day?(day)
        midnight = EtOrbi::EoTime.new(Time.utc(day.year, day.month, day.day).to_i, "UTC")
        @line.month_match?(midnight) && @line.day_match?(midnight)
      end

      def on(day) = @hours.product(@minutes).flat_map { |hour, minute| instants(Time.utc(day.year, day.month, day.day, hour, minute)) }.uniq.sort

      # @param shown [Time] what a clock of the zone shows, as if it were UTC
      def instants(shown)
        times = @zone.periods_for_local(shown).map { |period| shown - period.observed_utc_offset }
        return times unless @fixed

        [ times.first || end_of_gap(shown) ]
      end

      def end_of_gap(shown)
        @zone.transitions_up_to(shown + 2.days, shown - 2.days).find { |change| skipped(change).cover?(shown.to_i) }.at.to_time.utc
      end

      # What a clock does not show, as seconds of a clock.
      def skipped(change)
        (change.at.to_i + change.previous_offset.observed_utc_offset)...(change.at.to_i + change.offset.observed_utc_offset)
      end
    end
  end
end
