# frozen_string_literal: true

require "active_support"
require "active_support/core_ext"
require "logger"
require_relative "tasker_contrib_rails/version"
require_relative "tasker_contrib_rails/errors"
require_relative "tasker_contrib_rails/configuration"
require_relative "tasker_contrib_rails/client"
require_relative "tasker_contrib_rails/runtime"
require_relative "tasker_contrib_rails/process_facts"
require_relative "tasker_contrib_rails/fork_guard"
require "active_support/isolated_execution_state"
require_relative "tasker_contrib_rails/log_subscriber"
require_relative "tasker_contrib_rails/api_handler"
require_relative "tasker_contrib_rails/after_commit"
require_relative "tasker_contrib_rails/outbox"
require_relative "tasker_contrib_rails/app"
require_relative "tasker_contrib_rails/health"

# Tasker workflows in Rails. The facade is {Tasker}.
module TaskerContribRails
  # Recurring tasks; most apps never load them.
  autoload :Schedules, File.expand_path("tasker_contrib_rails/schedules", __dir__)

  class << self
    attr_writer :logger

    # @return [Logger] the app's
    def logger
      @logger || (defined?(::Rails) && ::Rails.respond_to?(:logger) && ::Rails.logger) || (@fallback ||= Logger.new($stderr, level: :warn, progname: "tasker"))
    end

    # @return [ActiveSupport::Deprecation] also +app.deprecators[:tasker]+
    def deprecator = @deprecator ||= ActiveSupport::Deprecation.new("1.0", "tasker-contrib-rails")

    # @return [Runtime] the worker of this process, if it has one
    def runtime = @runtime ||= Runtime.new
  end
end

TaskerContribRails::ForkGuard.install
TaskerContribRails::LogSubscriber.attach_to(:tasker)

require_relative "tasker_contrib_rails/facade"
require_relative "tasker_contrib_rails/railtie" if defined?(Rails::Railtie)
