# frozen_string_literal: true

require_relative "../contract"

module TaskerContribRails
  module Config
    # The names that users set: the gem's own, and the contract's friendly names of Core's keys.
    #
    # @api private
    module Keys
      Key = Contract::ConfigKey

      # Settings of this gem. Their path is their name.
      OWN = [
        Key.new(path: "mode", type: :str, default: "auto", choices: %w[auto off client worker].freeze,
          doc: "What this process does: run steps, only create tasks, nothing, or decide by itself."),
        Key.new(path: "templates", type: :str, default: "config/tasks", doc: "Folder of the task templates."),
        Key.new(path: "handlers", type: :str, default: "app/handlers", doc: "Folder of the handlers."),
        Key.new(path: "drain_timeout", type: :float, default: 30.0, minimum: 0, maximum: 3600,
          doc: "Seconds that running steps get at stop."),
        Key.new(path: "log_level", type: :str, default: "warn", choices: %w[trace debug info warn error off].freeze,
          doc: "Level of the native library's own console log."),
        Key.new(path: "after_commit", type: :bool, default: true,
          doc: "Tasker.create_task inside a transaction waits for the commit."),
        Key.new(path: "outbox", type: :bool, default: false,
          doc: "Tasker.create_task writes a row of the app's own transaction, and tasker:outbox:relay creates the task."),
        Key.new(path: "outbox_base", type: :str, default: "ActiveRecord::Base",
          doc: "The model class whose database has the table tasker_outbox."),
        Key.new(path: "legacy_events", type: :bool, default: false,
          doc: "Also publish events under the older names, such as tasker.step_execution_completed."),
        Key.new(path: "orchestration.token", type: :str, default: nil, doc: "Bearer token, if the server wants one."),
        Key.new(path: "orchestration.api_key", type: :str, default: nil, doc: "API key, if the server wants one."),
        Key.new(path: "orchestration.api_key_header", type: :str, default: "X-API-Key", doc: "The header that carries the API key."),
        Key.new(path: "orchestration.max_concurrency", type: :int, default: 16, minimum: 1, maximum: 1000,
          doc: "Calls in flight at the same time; the server's connection pool must be larger.")
      ].to_h { |key| [ key.path, key ] }.freeze

      # Where Core's own default is not right for a Rails app.
      DEFAULTS = {
        # Core's notifications make two workers of a namespace run the same step.
        "worker.delivery" => "PollingOnly",
        # As many as the connections that database.yml gives a process.
        "worker.concurrency" => 5
      }.freeze

      # Every name that can be set.
      NAMES = [ *OWN.keys, *Contract::SETTINGS.keys ].freeze

      # Plain variables that are read after the prefixed ones.
      PLAIN_VARIABLES = { "DATABASE_URL" => "database.url", "TASKER_ORCHESTRATION_URL" => "orchestration.url" }.freeze

      # Variables with our prefix that belong to Core, its tools, or other parts of this project.
      FOREIGN_VARIABLES = %w[
        TASKER_CONFIG_PATH TASKER_CTL TASKER_DEV_BIN TASKER_DEV_POSTGRES_BIN TASKER_ENV TASKER_INSTANCE_ID TASKER_INSTANCE_PORT
        TASKER_JWT_PUBLIC_KEY TASKER_JWT_PUBLIC_KEY_PATH TASKER_MESSAGING_BACKEND TASKER_ORCHESTRATION_GRPC_BIND_ADDRESS
        TASKER_SKIP_EXAMPLE_HANDLERS TASKER_TEMPLATE_PATH TASKER_WEB_BIND_ADDRESS TASKER_WORKER_GRPC_BIND_ADDRESS
        TASKER_WORKER_ID TASKER_ORCHESTRATION_URL
      ].freeze

      module_function

      # @return [Contract::ConfigKey] the gem's own key, or Core's key behind a friendly name
      def key(name)
        OWN.fetch(name) { Contract::CONFIG_KEYS.fetch(Contract::SETTINGS.fetch(name).first) }
      end

      # @return [String, nil] Core's key behind a friendly name
      def core_path(name) = Contract::SETTINGS[name]&.first

      # @return [Object] what a setting is when nobody sets it
      def default(name) = DEFAULTS.fetch(name) { key(name).default }

      # @return [String] what a setting does
      def doc(name) = OWN.key?(name) ? OWN[name].doc : Contract::SETTINGS[name].last

      # @return [String] the variable that sets a name
      def variable(name) = "TASKER_#{name.upcase.gsub(".", "__")}"
    end
  end
end
