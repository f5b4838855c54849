# frozen_string_literal: true

module TaskerContribRails
  # Runs a block when the transactions that are open now have been committed, at once if there is none, and never if they are
  # rolled back.
  module AfterCommit
    # A record as ActiveRecord's transactions know it, for Rails 7.1.
    class Callback
      def initialize(&block) = @block = block
      def committed!(*) = @block.call
      def before_committed!(*) = nil
      def rolledback!(*) = nil
      def trigger_transactional_callbacks? = true
      def has_transactional_callbacks? = true
    end

    module_function

    # @return [Boolean] whether a transaction is open (tests' own ones do not count)
    def waiting?
      return false unless defined?(ActiveRecord::Base) && ActiveRecord::Base.connected?

      transaction = ActiveRecord::Base.connection.current_transaction
      transaction.open? && transaction.joinable?
    end

    def run(&block)
      if ActiveRecord.respond_to?(:after_all_transactions_commit)
        ActiveRecord.after_all_transactions_commit(&block)
      else
        ActiveRecord::Base.connection.add_transaction_record(Callback.new(&block))
      end
    end
  end

  # A task that is created when the transaction around it is committed.
  class DeferredTask
    # @return [Client::Task, nil] nil until then, and for ever after a rollback
    attr_accessor :task

    # @return [Boolean]
    def created? = !task.nil?

    # @return [String, nil]
    def task_uuid = task&.task_uuid
  end
end
