# frozen_string_literal: true

require "tmpdir"
require_relative "../config/file"
require_relative "../errors"
require_relative "core_hooks"

module TaskerContribRails
  # Runs steps.
  #
  # @api private
  module Worker
    # The part of Core that this gem calls. Core's changes to its process are undone.
    #
    # @api private
    class Core
      # Seconds that the native library gets to send the last answers (there is no way to ask it).
      SETTLE = 0.3
      SIGNALS = %w[INT TERM].freeze
      VERSIONS = Gem::Requirement.new(">= 0.1.8", "< 0.2")

      # @param dispatcher [#call] takes Core's step events
      def initialize(&dispatcher)
        @dispatcher = dispatcher
      end

      # Loads the gem. It reads a .env file into ENV and fixes its log level while it loads; both end here.
      #
      # @raise [ConfigurationError] it is not installed, or has no native library for this Ruby
      def self.load!(log_level:)
        before = ENV.to_h
        # Its SQL library complains about every poll of Core, which takes five seconds by design.
        ENV["LOG_LEVEL"] = "#{log_level},sqlx=error"
        # Without this Core instantiates every loaded handler class in the test environment.
        ENV["TASKER_SKIP_EXAMPLE_HANDLERS"] = "true"
        require "tasker_core"
        check_version
      rescue LoadError => error
        raise ConfigurationError, load_problem(error)
      ensure
        ENV.replace(before)
      end

      # Four parts of Core are replaced, some of them private.
      def self.check_version
        return if VERSIONS.satisfied_by?(Gem::Version.new(TaskerCore::VERSION))

        raise ConfigurationError, "tasker-rb #{TaskerCore::VERSION} is not supported: tasker-contrib-rails #{TaskerContribRails::VERSION} works with #{VERSIONS}; write " \
                                  "`gem \"tasker-rb\", \"~> 0.1.8\", require: false` into the Gemfile"
      end
      private_class_method :check_version

      def self.load_problem(error)
        reason = error.message.lines.map(&:strip).reject(&:empty?).last
        return "the gem tasker-rb is not installed, and a worker needs it: add `gem \"tasker-rb\", require: false` to the Gemfile (#{reason})" if error.path == "tasker_core"
        # A library, not a file of the gem.
        return "tasker-rb requires '#{error.path}', which cannot be loaded: run `bundle install`" if error.path && !error.path.include?("/")

        "the native library of tasker-rb cannot be loaded by Ruby #{RUBY_VERSION} on #{RUBY_PLATFORM}: #{reason}. " \
          "It needs Ruby 3.4 and Rails 8; other platforms than x86_64-linux and arm64-darwin compile it, which takes Rust"
      end
      private_class_method :load_problem

      # Boots the native worker. It can be done once per process.
      #
      # @param file [Pathname] the rendered configuration
      # @param templates [Pathname]
      # @param environment [String]
      def boot(file:, templates:, environment:)
        CoreHooks.install(@dispatcher)
        # Core's own discovery binds callables to classes by the end of their names; an empty folder gives it nothing to find.
        Dir.mktmpdir("tasker-no-templates") do |empty|
          ENV["TASKER_TEMPLATE_PATH"] = empty
          TaskerCore::Registry::HandlerRegistry.instance
        end
        ENV["TASKER_CONFIG_PATH"] = file.to_s
        ENV["TASKER_TEMPLATE_PATH"] = templates.to_s
        ENV["TASKER_ENV"] = %w[test development].include?(environment) ? environment : "production"
        keeping_traps { TaskerCore::Worker::Bootstrap.start! }
      end

      def bootstrap = TaskerCore::Worker::Bootstrap.instance

      # @return [Hash] with String keys: running, supported_namespaces, database_pool_size …
      def status = TaskerCore::FFI.worker_status

      # Not Core's health_check: it is false in every app whose handlers are loaded lazily.
      def running? = bootstrap.running?

      def worker_id = bootstrap.status.dig(:ruby, :worker_id).to_s

      # Claims no more steps. Holds the interpreter for some seconds.
      def stop_claiming = TaskerCore::FFI.transition_to_graceful_shutdown

      # @return [Integer] steps that were claimed and not answered
      def pending = TaskerCore::Worker::EventPoller.instance.ffi_dispatch_metrics["pending_count"].to_i

      # Waits for the last answers, then stops.
      def stop
        sleep(SETTLE)
        bootstrap.shutdown!
      end

      # In a forked child: what Core registered to run at exit must not touch the parent's worker: that call would hang.
      def forget = bootstrap.instance_variable_set(:@status, :stopped)

      private

      # Core replaces the host's handlers and never calls them.
      def keeping_traps
        before = SIGNALS.to_h { |signal| [ signal, Signal.trap(signal, "IGNORE").tap { |handler| Signal.trap(signal, handler || "DEFAULT") } ] }
        yield
      ensure
        before.each { |signal, handler| Signal.trap(signal, handler || "DEFAULT") }
      end
    end
  end
end
