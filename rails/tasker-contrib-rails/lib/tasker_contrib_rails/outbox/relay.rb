# frozen_string_literal: true

module TaskerContribRails
  module Outbox
    # Creates the tasks of the outbox's rows. Each row has a transaction of its own, which locks it while its task is created: any number
    # of relays work side by side, and what a killed one had in hand is open again.
    #
    # @example in an Active Job that runs every minute, where there is no process of `bin/rails tasker:outbox:relay`
    #   TaskerContribRails::Outbox::Relay.new.run_once
    class Relay
      # Seconds between two looks at an empty outbox.
      POLL = 1.0
      # Seconds before the database is asked again after it failed.
      DATABASE_PAUSE = 5.0
      # Rows that {#run_once} takes at most.
      BATCH = 100

      # @param client [Client]
      def initialize(client: App.client)
        @client = client
      end

      # Sends rows that are due, until there are none, the server is away, or +limit+ is reached.
      #
      # @param limit [Integer]
      # @yieldreturn [Boolean] whether to stop before the next row
      # @return [Hash{Symbol => Integer}] how many rows were +:created+, +:existing+ (another caller's task, taken as done), +:dead+, or are
      #   tried again (+:retry+, +:away+)
      # @raise [ConfigurationError] there is no table
      def run_once(limit: BATCH)
        Outbox.check_table
        limit.times.each_with_object(Hash.new(0)) do |_, outcomes|
          return outcomes if block_given? && yield

          outcome = relay_one or return outcomes
          outcomes[outcome] += 1
          return outcomes if outcome == :away
        end
      end

      # Runs until a signal has come; the row in hand is finished.
      #
      # @param signals [IO] readable when the process is to end
      # @return [void]
      # @api private
      def run(signals)
        Outbox.check_table
        until signals.wait_readable(0)
          busy = work { signals.wait_readable(0) }
          signals.wait_readable(busy == :failed ? DATABASE_PAUSE : POLL) unless busy == true
        end
      end

      private

      def work(&)
        outcomes = run_once(&)
        outcomes.values.sum == BATCH
      rescue ::ActiveRecord::ActiveRecordError => error
        TaskerContribRails.logger.error("the outbox cannot be read: #{error.class}: #{error.message.lines.first&.chomp}; trying again in #{DATABASE_PAUSE.to_i} s")
        :failed
      ensure
        # The pool looks at a connection before it gives it out again.
        OutboxEntry.connection_pool.release_connection
      end

      def relay_one
        OutboxEntry.transaction do
          entry = OutboxEntry.due.lock("FOR UPDATE SKIP LOCKED").first
          Delivery.new(entry, @client).call if entry
        end
      end
    end
  end
end
