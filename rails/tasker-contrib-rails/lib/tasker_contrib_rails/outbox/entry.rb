# frozen_string_literal: true

module TaskerContribRails
  # @api private
  Outbox::BASE = Outbox.base

  # A row of the outbox: a task that is not created yet. It is open until the relay has created the task and deleted the row, or dead with
  # a reason when the server refused it.
  #
  # @example
  #   TaskerContribRails::OutboxEntry.dead.find_each { |entry| puts entry.last_error }
  class OutboxEntry < Outbox::BASE
    self.table_name = "tasker_outbox"

    # Rows that the relay has not given up.
    scope :pending, -> { where(dead_at: nil) }
    # Rows that the server refused. Each stays, with +last_error+, until it is retried or discarded.
    scope :dead, -> { where.not(dead_at: nil) }
    # Open rows that may be sent now: of each ordering key only the oldest row, also if that one is dead.
    scope :due, lambda { |now = Time.current|
      oldest = "ordering_key IS NULL OR NOT EXISTS (SELECT 1 FROM tasker_outbox older WHERE older.ordering_key = tasker_outbox.ordering_key AND older.id < tasker_outbox.id)"
      pending.where("not_before IS NULL OR not_before <= ?", now).where(oldest).order(:id)
    }

    # @return [nil] as a deferred task says: the row is gone when the task is there
    def task = nil

    # @return [nil] look for +correlation_id+ among the tasks
    def task_uuid = nil

    # @return [false]
    def created? = false

    # @return [String] namespace, name and version
    def template = "#{namespace}/#{name} #{version}"

    # Gives the row to the relay again.
    #
    # @return [void]
    def retry!
      update!(dead_at: nil, not_before: nil, attempts: 0)
      nil
    end
  end
end
