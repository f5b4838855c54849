# frozen_string_literal: true

require "securerandom"
require_relative "errors"

module TaskerContribRails
  # A model: loaded when it is first used, because the gem also works without ActiveRecord.
  autoload :OutboxEntry, File.expand_path("outbox/entry", __dir__)

  # Tasks that are created from rows of the app's own database. A row is written in the transaction that needs the task, so both are there
  # or neither is; {Relay} creates the task and deletes the row.
  module Outbox
    autoload :Relay, File.expand_path("outbox/relay", __dir__)
    # @api private
    autoload :Metrics, File.expand_path("outbox/metrics", __dir__)
    # @api private
    autoload :Delivery, File.expand_path("outbox/delivery", __dir__)

    # How many rows wait, how many were refused, and for how many seconds the oldest open row has waited.
    Counts = Data.define(:open, :dead, :lag)

    class << self
      # @return [Counts] of the rows now
      def counts
        oldest = OutboxEntry.pending.minimum(:created_at)
        Counts.new(open: OutboxEntry.pending.count, dead: OutboxEntry.dead.count, lag: oldest ? [ Time.current - oldest, 0.0 ].max : 0.0)
      end

      # @return [OutboxEntry]
      # @api private
      def write((namespace, name, version), context, ordering_key:, correlation_id:, options:)
        check_table
        OutboxEntry.transaction do
          lock(ordering_key) unless ordering_key.nil?
          OutboxEntry.create!(namespace:, name:, version:, context:, ordering_key:, correlation_id: correlation(correlation_id), options:)
        end
      end

      # @return [String] of a row's options
      # @api private
      def on_conflict(value)
        raise ArgumentError, "on_conflict must be :raise, :ignore or :return, not #{value.inspect}" unless %i[raise ignore return].include?(value)

        value == :raise ? "raise" : "ignore"
      end

      # @return [Boolean] whether the app has an outbox
      # @api private
      def table?
        @table ||= defined?(::ActiveRecord::Base) ? OutboxEntry.table_exists? : false
      end

      # @raise [ConfigurationError] there is no table
      # @api private
      def check_table
        require "active_record"
        return if table?

        OutboxEntry.connection.schema_cache.clear! # a migration may make it while this process runs
        raise ConfigurationError, "there is no table #{OutboxEntry.table_name} in the database of #{App.settings["outbox_base"]} (outbox_base); " \
                                  "run `bin/rails generate tasker:outbox` and `bin/rails db:migrate`"
      end

      # @return [Class] what the model inherits from
      # @api private
      def base
        require "active_record"
        name, source = App.settings["outbox_base"], App.settings.source("outbox_base")
        found = name.safe_constantize
        return found if found.is_a?(Class) && found <= ::ActiveRecord::Base

        raise ConfigurationError, "outbox_base = #{name} (#{source}): must be the name of a model class, such as ApplicationRecord"
      end

      private

      # The second of two transactions with a key waits for the first one's end, so that the ids of a key are in the order of the commits. The
      # same lock as that of our packages for other languages.
      def lock(ordering_key)
        return unless OutboxEntry.connection.adapter_name == "PostgreSQL"

        key = "#{OutboxEntry.table_name}:#{ordering_key}"
        OutboxEntry.connection.execute(OutboxEntry.sanitize_sql_array([ "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", key ]))
      end

      def correlation(value)
        return SecureRandom.uuid if value.nil?
        return value.to_s.downcase if value.to_s.match?(/\A\h{8}-\h{4}-\h{4}-\h{4}-\h{12}\z/)

        raise InvalidRequestError, "correlation_id must be a UUID, not #{value.inspect}"
      end
    end
  end
end
