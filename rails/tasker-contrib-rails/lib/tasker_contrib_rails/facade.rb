# frozen_string_literal: true

# The names that apps use.
#
# @example
#   Tasker.configure { |config| config.database.pool_size = 20 }
#   Tasker.create_task("ship", { order_id: 7 }, namespace: "shop")
module Tasker
  # Base of handlers. See {TaskerContribRails::StepHandler}.
  StepHandler = TaskerContribRails::StepHandler
  # Base of handlers that call an HTTP API. See {TaskerContribRails::ApiHandler}.
  ApiHandler = TaskerContribRails::ApiHandler
  # Base of handlers that choose the next steps. See {TaskerContribRails::DecisionHandler}.
  DecisionHandler = TaskerContribRails::DecisionHandler
  # Base of handlers that cut work into ranges. See {TaskerContribRails::BatchAnalyzer}.
  BatchAnalyzer = TaskerContribRails::BatchAnalyzer
  # Base of handlers that process a range. See {TaskerContribRails::BatchWorker}.
  BatchWorker = TaskerContribRails::BatchWorker
  # What the workers of a batch returned. See {TaskerContribRails::BatchResults}.
  BatchResults = TaskerContribRails::BatchResults
  # Base of all errors. See {TaskerContribRails::Error}.
  Error = TaskerContribRails::Error
  # Settings, templates or handlers are wrong. See {TaskerContribRails::ConfigurationError}.
  ConfigurationError = TaskerContribRails::ConfigurationError
  # The worker cannot do what was asked. See {TaskerContribRails::WorkerError}.
  WorkerError = TaskerContribRails::WorkerError
  # No tasks from this process. See {TaskerContribRails::ModeError}.
  ModeError = TaskerContribRails::ModeError
  # A handler says: trying again is useless. See {TaskerContribRails::PermanentError}.
  PermanentError = TaskerContribRails::PermanentError
  # A handler says: trying again may help. See {TaskerContribRails::RetryableError}.
  RetryableError = TaskerContribRails::RetryableError
  # A handler says: the input does not fit. See {TaskerContribRails::ValidationError}.
  ValidationError = TaskerContribRails::ValidationError
  # Base of all errors of the client. See {TaskerContribRails::ClientError}.
  ClientError = TaskerContribRails::ClientError
  # No such task, or no such template. See {TaskerContribRails::NotFoundError}.
  NotFoundError = TaskerContribRails::NotFoundError
  # The task exists. See {TaskerContribRails::ConflictError}.
  ConflictError = TaskerContribRails::ConflictError
  # Credentials are missing, wrong, or not enough. See {TaskerContribRails::PermissionError}.
  PermissionError = TaskerContribRails::PermissionError
  # An argument is wrong. See {TaskerContribRails::InvalidRequestError}.
  InvalidRequestError = TaskerContribRails::InvalidRequestError
  # The server is overloaded. See {TaskerContribRails::BackpressureError}.
  BackpressureError = TaskerContribRails::BackpressureError
  # The server cannot be reached. See {TaskerContribRails::UnavailableError}.
  UnavailableError = TaskerContribRails::UnavailableError
  # The server failed. See {TaskerContribRails::ServerError}.
  ServerError = TaskerContribRails::ServerError
  # A task has not ended in time. See {TaskerContribRails::WaitTimeoutError}.
  WaitTimeoutError = TaskerContribRails::WaitTimeoutError
  # Rack endpoints. See {TaskerContribRails::Health}.
  Health = TaskerContribRails::Health

  class << self
    # @yieldparam config [TaskerContribRails::Configuration]
    def configure = yield(TaskerContribRails::App.configuration)

    # @return [TaskerContribRails::Config::Settings] the effective settings
    def settings = TaskerContribRails::App.settings

    # @return [TaskerContribRails::Client]
    def client = TaskerContribRails::App.client

    # Creates a task; inside a transaction when it is committed, so that no step looks for rows that are not there yet. What the
    # server says against it is then raised by the end of the transaction, which has been committed.
    #
    # @param after_commit [Boolean] false creates it at once; the default is the setting +after_commit+
    # @param outbox [Boolean] true writes a row into the present transaction instead, and +tasker:outbox:relay+ creates the task from it; the
    #   default is the setting +outbox+
    # @return [TaskerContribRails::Client::Task, TaskerContribRails::DeferredTask, TaskerContribRails::OutboxEntry]
    # @see TaskerContribRails::Client#enqueue_task for the parameters of a row
    # @see TaskerContribRails::Client#create_task for the other parameters and the errors
    def create_task(name, context = {}, after_commit: settings["after_commit"], outbox: settings["outbox"], **options)
      context = TaskerContribRails::Client::Context.to_json_object(context)
      return client.enqueue_task(name, context, **options) if outbox
      return client.create_task(name, context, **options) unless after_commit

      TaskerContribRails::AfterCommit.task { client.create_task(name, context, **options) }
    end

    # Gives events to a class: to its methods +step_started+, +step_completed+, +step_failed+ and so on, with the notification.
    #
    # @param subscriber [String] the name of the class, which may be reloaded
    # @return [void]
    # @example config/initializers/tasker.rb
    #   Tasker.subscribe "PagerSubscriber"
    def subscribe(subscriber)
      TaskerContribRails::Events.attach(subscriber.to_s)
      nil
    end

    # @return [Boolean] whether this process claims steps
    def running? = TaskerContribRails.runtime.running?

    # Drains and stops the worker of this process.
    #
    # @param timeout [Numeric, nil] seconds that running steps get; the setting +drain_timeout+ if nil
    # @return [TaskerContribRails::Runtime::StopResult, nil]
    def stop(timeout: nil) = TaskerContribRails.runtime.stop(timeout:)
  end
end
