# frozen_string_literal: true

module TaskerContribRails
  # Runs a block when the transactions that are open now have been committed, at once if there is none, and never if they are
  # rolled back. Transactions that tests put around themselves do not count.
  #
  # @api private
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

    # @yieldreturn [Client::Task]
    # @return [Client::Task, DeferredTask] deferred if a transaction is open
    def task
      deferred = DeferredTask.new
      run { deferred.task = yield }
      deferred.task || deferred
    end

    # Rails 7.2 and newer know the transactions of all databases, 7.1 is asked for those of the primary one.
    def run(&block)
      return yield unless defined?(::ActiveRecord::Base)
      return ::ActiveRecord.after_all_transactions_commit(&block) if ::ActiveRecord.respond_to?(:after_all_transactions_commit)

      in_transaction? ? ::ActiveRecord::Base.connection.add_transaction_record(Callback.new(&block)) : yield
    end

    def in_transaction?
      return false unless ::ActiveRecord::Base.connected?

      transaction = ::ActiveRecord::Base.connection.current_transaction
      transaction.open? && transaction.joinable?
    end
    private_class_method :in_transaction?
  end

  # A task that is created when the transaction around it is committed.
  class DeferredTask
    # @return [Client::Task, nil] nil until then, and always after a rollback
    attr_accessor :task

    # @return [Boolean]
    def created? = !task.nil?

    # @return [String, nil]
    def task_uuid = task&.task_uuid
  end
end
