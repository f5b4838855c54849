# frozen_string_literal: true

require_relative "config/file"
require_relative "process_facts"

module TaskerContribRails
  # What belongs to the Rails app: its settings, what this process does, and the client.
  #
  # @api private
  module App
    # Settings below the app that are read when the file is there.
    SETTINGS_FILE = "config/tasker.toml"

    class << self
      # @return [Configuration] what +Tasker.configure+ and +config.tasker+ write to
      def configuration = @configuration ||= Configuration.new

      # @return [Config::Settings] read once; a process that goes on with half of a change would be worse than a restart
      def settings
        @settings ||= configuration.resolve(environment: ENV, credentials: credentials, file: root.join(SETTINGS_FILE))
      end

      # @return [Boolean] whether settings were read, so that setting one has no effect
      def resolved? = !@settings.nil?

      # A setting that is needed before the app's initializers and credentials are there. What is wrong is said later, all at once.
      #
      # @api private
      def early(name)
        configuration.resolve(environment: ENV, file: root.join(SETTINGS_FILE))[name]
      rescue ConfigurationError
        Config::Keys.default(name)
      end

      # @return [Pathname]
      def root = defined?(::Rails) && ::Rails.respond_to?(:root) && ::Rails.root || Pathname.pwd

      # @return [String]
      def environment = defined?(::Rails) && ::Rails.respond_to?(:env) ? ::Rails.env.to_s : "production"

      # @return [Mode::Decision]
      def decide(**facts)
        Mode.decide(settings["mode"], ProcessFacts.of(TaskerContribRails.runtime, settings, root:, **facts), source: settings.source("mode"))
      end

      # Starts the worker if this process is one, and says why or why not in one line of the log.
      #
      # @return [Mode::Decision]
      def start(**facts)
        decide(**facts).tap do |decision|
          TaskerContribRails.logger.info("tasker is #{decision}")
          next unless decision.worker?

          warn_about_connections
          TaskerContribRails.runtime.start!(settings:, root:, environment:)
          unused_handlers.each { |line| TaskerContribRails.logger.warn(line) }
        end
      end

      # @return [Client] shared by all threads
      # @raise [ModeError] the mode is off
      def client
        raise ModeError, "tasks cannot be created here: mode is 'off' (#{settings.source("mode")})" if settings["mode"] == "off"

        @client ||= Client.new(settings["orchestration.url"], token: settings["orchestration.token"], api_key: settings["orchestration.api_key"],
          api_key_header: settings["orchestration.api_key_header"], timeout: settings["orchestration.timeout_ms"] / 1000.0,
          max_retries: settings["orchestration.max_retries"], max_concurrency: settings["orchestration.max_concurrency"], templates: -> { templates.templates })
      end

      # @return [Templates::Report] of the template folder; empty if there is none
      def templates
        folder = root.join(settings["templates"])
        folder.directory? ? Templates.load(folder, root:) : Templates::Report.new([], [], [])
      end

      # @return [Array<String>] everything that would keep a worker from starting, or tasks from ending as the templates say
      def problems
        report = Templates.load(root.join(settings["templates"]), root:)
        handlers = report.templates.flat_map { |template| Handlers.problems(template) }
        settings.worker_problems + report.errors + handlers + report.templates.flat_map { |template| rehearse(template) }
      end

      # @return [Array<String>] what has no effect. Of interest only without problems, whose consequence it mostly is
      def warnings
        folder = root.join(settings["templates"])
        settings.warnings + templates.warnings + unused_handlers + (Templates.files(folder).empty? ? [ Worker::Preparation.no_templates(folder) ] : [])
      end

      # @return [Array<String>] a line for each handler that no template uses
      def unused_handlers = Handlers.unused(templates.templates, root.join(settings["handlers"]))

      # Forgets settings and client; for tests.
      def reset!
        @client&.close
        @configuration = @settings = @client = nil
      end

      private

      def credentials
        return unless defined?(::Rails) && ::Rails.respond_to?(:application) && ::Rails.application

        values = ::Rails.application.credentials[:tasker]
        values.to_h if values
      end

      def warn_about_connections
        return unless defined?(ActiveRecord::Base) && ActiveRecord::Base.configurations.any?

        pool = ActiveRecord::Base.connection_db_config.pool
        threads = settings["worker.concurrency"]
        return if pool >= threads

        TaskerContribRails.logger.warn("worker.concurrency is #{threads}, but config/database.yml has a pool of #{pool}: steps that use the database wait for each other; " \
                                       "set `pool: #{threads}` or more there, or a smaller worker.concurrency")
      rescue ActiveRecord::AdapterNotSpecified, ActiveRecord::ConnectionNotEstablished
        nil # an app without a database
      end

      def rehearse(template)
        require_relative "testing/rehearsal"
        Testing::Rehearsal.problems(template)
      end
    end
  end
end
