# frozen_string_literal: true

module TaskerContribRails
  module Outbox
    # Creates the task of one row, and writes down what came of it: the row is deleted, put off, or dead.
    #
    # @api private
    class Delivery
      # Seconds between two attempts, at most.
      LONGEST_WAIT = 60.0
      # The server refuses this request, and will refuse it again. Wrong credentials are no property of a row.
      REFUSED = [ InvalidRequestError, ArgumentError ].freeze
      TOO_MANY_REQUESTS = 429
      # A worker that registers the template may start after the app. With the waits between them these are about a quarter of an hour.
      NOT_FOUND_ATTEMPTS = 20
      # The server itself is away: other rows would fare no better.
      AWAY = [ UnavailableError, BackpressureError, PermissionError ].freeze

      # @param entry [OutboxEntry] locked by the present transaction
      # @param client [Client]
      def initialize(entry, client)
        @entry = entry
        @client = client
      end

      # @return [:created, :existing, :dead, :retry, :away]
      def call
        task = create
        return created if task["correlation_id"].to_s.casecmp?(@entry.correlation_id)

        conflict("task #{task.task_uuid} of another caller has this template and context")
      rescue ConflictError => error
        conflict(error.message)
      rescue NotFoundError => error
        @entry.attempts + 1 < NOT_FOUND_ATTEMPTS ? put_off(error) : dead("#{error.message} (#{NOT_FOUND_ATTEMPTS} attempts)")
      rescue *REFUSED => error
        error.try(:status) == TOO_MANY_REQUESTS ? put_off(error) : dead(error.message)
      rescue ::ActiveRecord::ActiveRecordError
        raise
      rescue StandardError => error
        put_off(error)
      end

      private

      # The task that an earlier attempt created, whose answer or whose process was lost, has this row's correlation id.
      def create
        options = @entry.options.except("on_conflict").symbolize_keys
        @client.create_task(@entry.name, @entry.context, namespace: @entry.namespace, version: @entry.version, correlation_id: @entry.correlation_id,
          on_conflict: :return, **options)
      end

      def created
        @entry.delete
        :created
      end

      def conflict(reason)
        return dead("#{reason}; give this one a context of its own and create it again, or write rows with on_conflict: :ignore") unless @entry.options["on_conflict"] == "ignore"

        @entry.delete
        :existing
      end

      def dead(reason)
        TaskerContribRails.logger.error("the task of outbox row #{@entry.id}, #{@entry.template}, was refused: #{reason}")
        @entry.update!(attempts: @entry.attempts + 1, last_error: reason, dead_at: Time.current)
        :dead
      end

      def put_off(error)
        return away(error) if AWAY.any? { |type| error.is_a?(type) }

        attempts = @entry.attempts + 1
        wait = [ 2.0**[ attempts - 1, 10 ].min, LONGEST_WAIT ].min * rand(0.75..1.25)
        again(error, wait, attempts:)
        :retry
      end

      # Through no fault of the row, so no attempt is counted. The older it is, the longer it waits: a row that makes a gateway give up must
      # not hold up the others.
      def away(error)
        asked = error.retry_after if error.is_a?(BackpressureError)
        age = Time.current - @entry.created_at
        again(error, [ asked || 1.0, age / 4, LONGEST_WAIT ].then { |least, aged, most| [ [ least, aged ].max, most ].min } * rand(0.75..1.25))
        :away
      end

      def again(error, wait, **counted)
        TaskerContribRails.logger.warn("the task of outbox row #{@entry.id}, #{@entry.template}, is tried again in #{wait.round(1)} s: #{error.class}: #{error.message}")
        @entry.update!(last_error: "#{error.class}: #{error.message}", not_before: Time.current + wait, **counted)
      end
    end
  end
end
