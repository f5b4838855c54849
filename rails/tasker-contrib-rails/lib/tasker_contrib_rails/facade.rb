# frozen_string_literal: true

# The names that apps use.
#
# @example
#   Tasker.configure { |config| config.database.pool_size = 20 }
#   Tasker.create_task("ship", { order_id: 7 }, namespace: "shop")
module Tasker
  StepHandler = TaskerContribRails::StepHandler
  ApiHandler = TaskerContribRails::ApiHandler
  DecisionHandler = TaskerContribRails::DecisionHandler
  BatchAnalyzer = TaskerContribRails::BatchAnalyzer
  BatchWorker = TaskerContribRails::BatchWorker
  BatchResults = TaskerContribRails::BatchResults
  Error = TaskerContribRails::Error
  ConfigurationError = TaskerContribRails::ConfigurationError
  WorkerError = TaskerContribRails::WorkerError
  ModeError = TaskerContribRails::ModeError
  PermanentError = TaskerContribRails::PermanentError
  RetryableError = TaskerContribRails::RetryableError
  ValidationError = TaskerContribRails::ValidationError
  ClientError = TaskerContribRails::ClientError
  NotFoundError = TaskerContribRails::NotFoundError
  ConflictError = TaskerContribRails::ConflictError
  PermissionError = TaskerContribRails::PermissionError
  InvalidRequestError = TaskerContribRails::InvalidRequestError
  BackpressureError = TaskerContribRails::BackpressureError
  UnavailableError = TaskerContribRails::UnavailableError
  ServerError = TaskerContribRails::ServerError
  WaitTimeoutError = TaskerContribRails::WaitTimeoutError
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
    # @return [TaskerContribRails::Client::Task, TaskerContribRails::DeferredTask]
    # @see TaskerContribRails::Client#create_task for the other parameters and the errors
    def create_task(name, context = {}, after_commit: settings["after_commit"], **options)
      context = TaskerContribRails::Client::Context.to_json_object(context)
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
