# frozen_string_literal: true

require "active_support/core_ext/time"
require_relative "slots"

module TaskerContribRails
  module Schedules
    # Why an entry is not acceptable, without its name.
    #
    # @api private
    class Problem < StandardError; end

    # Tasks that one start may create for one schedule.
    MOST_MISSED = 1000

    # A recurring task: one entry of the file.
    #
    # @api private
    Schedule = Data.define(:name, :namespace, :task, :version, :timing, :slots, :zone, :context, :missed, :missed_within, :paused) do
      # @param name [String]
      # @param values [Hash] of the file
      # @return [Schedule]
      # @raise [Problem]
      def self.read(name, values)
        new(name:, **Reader.new(values).attributes).tap(&:check)
      end

      # @raise [Problem] it never comes, or too often for `missed: all`
      def check
        now = Time.now.utc
        raise Problem, "cron: #{timing.inspect} never comes" unless next_after(now)
        return unless missed == :all && slots.after(now - missed_within).take_while { |slot| slot <= now }.first(MOST_MISSED + 1).size > MOST_MISSED

        raise Problem, "missed: all would create more than #{MOST_MISSED} tasks at a start; make missed_within shorter, or write missed: one"
      end

      # @return [Hash] of the task of a slot
      def context_for(slot) = context.merge("scheduled_for" => slot.utc.iso8601)

      # @param from [Time] not a part of the answer itself
      # @param till [Time]
      # @return [Array<Time>]
      def between(from, till) = slots.after(from).take_while { |slot| slot <= till }.to_a

      # @return [Time, nil]
      def next_after(time) = slots.after(time).first

      # @return [Boolean] whether the file says the same of both
      def same?(other) = other && with(slots: nil) == other.with(slots: nil)
    end

    # Reads an entry of the file.
    #
    # @api private
    class Reader
      KEYS = %w[task version cron every time_zone context missed missed_within paused].freeze
      MISSED = %w[skip one all].freeze
      UNITS = { "s" => 1, "m" => 60, "h" => 3600, "d" => 86_400 }.freeze

      def initialize(values)
        refuse("must be a table with `task` and `cron` or `every`, not #{values.inspect}") unless values.is_a?(Hash)

        @values = values.transform_keys(&:to_s)
        unknown = (@values.keys - KEYS).first
        refuse("unknown key '#{unknown}'#{Names.did_you_mean(unknown, KEYS)}; there are #{KEYS.join(", ")}") if unknown
      end

      # @return [Hash] of a {Schedule}, without its name
      def attributes
        namespace, task = task()
        zone = zone()
        { namespace:, task:, zone:, timing: @values["cron"] || @values["every"], slots: slots(zone), version: text("version", "1.0.0"), context:,
          missed:, missed_within: duration("missed_within", "1d"), paused: paused? }
      end

      private

      def refuse(message) = raise(Problem, message)

      def bad(key, must) = refuse("#{key}: #{@values[key].inspect} #{must}")

      def task
        refuse("task is missing: give it as namespace/name, such as reports/daily_report") unless @values.key?("task")

        @values["task"].to_s.match(%r{\A([^/\s]+)/([^/\s]+)\z})&.captures || bad("task", "must be namespace/name, such as reports/daily_report")
      end

      def text(key, default)
        value = @values.fetch(key, default)
        value.is_a?(String) ? value : bad(key, "must be a text; put it into quotes")
      end

      def zone
        name = text("time_zone", "UTC")
        zone = ActiveSupport::TimeZone[name]&.tzinfo
        zone || bad("time_zone", "is not a time zone, such as Europe/Paris#{Names.did_you_mean(name, TZInfo::Timezone.all_identifiers)}")
      end

      def slots(zone)
        refuse("needs either cron or every, and has #{@values.key?("cron") ? "both" : "none"}") unless @values.key?("cron") ^ @values.key?("every")
        return Cron.new(cron, zone) if @values.key?("cron")

        Interval.new(duration("every", nil))
      end

      def cron
        require "fugit"
        line = text("cron", nil)
        bad("cron", "must have five fields: minute, hour, day of the month, month, day of the week, such as \"0 6 * * *\"; a time zone has a key of its own, time_zone") unless line.split.size == 5

        Fugit::Cron.parse(line) || bad("cron", "is not a cron line: minute 0-59, hour 0-23, day of the month 1-31, month 1-12, day of the week 0-7")
      rescue LoadError
        refuse("cron needs the gem fugit: run `bundle add fugit`, or write `every: 15m`, which needs nothing")
      end

      def duration(key, default)
        number, unit = @values.fetch(key, default).to_s.match(/\A(\d+)([smhd])\z/)&.captures
        seconds = number.to_i * UNITS.fetch(unit, 0)
        seconds.positive? ? seconds : bad(key, "must be a number with s, m, h or d, such as 15m")
      end

      def context
        value = @values.fetch("context", nil) || {}
        bad("context", "must be a table") unless value.is_a?(Hash)
        object = Client::Context.to_json_object(value)
        refuse("context: has the key scheduled_for, which is the time of the slot; give yours another name") if object.key?("scheduled_for")

        object
      rescue InvalidRequestError => error
        refuse(error.message)
      end

      def missed
        value = @values.fetch("missed", "one")
        MISSED.include?(value) ? value.to_sym : bad("missed", "must be one of #{MISSED.join(", ")}#{Names.did_you_mean(value, MISSED)}")
      end

      def paused?
        value = @values.fetch("paused", false)
        [ true, false ].include?(value) ? value : bad("paused", "must be true or false")
      end
    end
  end
end
