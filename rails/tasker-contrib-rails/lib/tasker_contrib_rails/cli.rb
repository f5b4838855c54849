# frozen_string_literal: true

require "thor"
require "tasker_contrib_rails"
require_relative "signals"

module TaskerContribRails
  # +bin/tasker+.
  #
  # @api private
  class CLI < Thor
    # Seconds between two checks whether the worker still runs.
    LOOK = 1.0
    HELP = %w[--help -h].freeze

    package_name "tasker"
    def self.exit_on_failure? = true

    # @param environment [String, nil] config/environment of the app; nil if it is loaded
    def self.start(arguments = ARGV, environment: nil, **)
      @environment = environment
      # Thor knows `help check` only.
      arguments = [ "help", *arguments - HELP ] if (arguments & HELP).any?
      super(arguments, **)
    rescue ConfigurationError, WorkerError, ModeError => error
      warn "error: #{error.message}"
      exit 1
    end

    def self.load_app
      require @environment if @environment
    end

    desc "start", "Run steps until SIGTERM or SIGINT"
    long_desc "Runs the worker in this process. On SIGTERM or SIGINT it claims no more steps, lets running ones end for drain_timeout seconds, and hands " \
              "back what is left. A second signal ends the process at once. Exits with 0 after a stop, with 1 if the worker cannot start or dies."
    def start
      signals = Signals.trap
      self.class.load_app
      ::Rails.application.eager_load! if defined?(::Rails) && ::Rails.application && !::Rails.application.config.enable_reloading
      decision = App.start(command: true)
      raise ConfigurationError, "there is nothing to run: tasker is #{decision}" unless decision.worker?

      say_warnings
      say "tasker runs steps (#{decision.reason}); process #{Process.pid}"
      wait_for_end(signals)
    end

    desc "check", "Check settings, templates and handlers"
    long_desc "Exits with 1 and one line for each error, else with 0 and one line for each warning."
    def check
      self.class.load_app
      problems = App.problems
      problems.each { |problem| warn "error: #{problem}" }
      abort count(problems.size, "error") if problems.any?

      warnings = App.warnings
      warnings.each { |warning| say "warning: #{warning}" }
      say "settings, #{count(App.templates.templates.size, "template")} and their handlers: no errors, #{count(warnings.size, "warning")}"
    end

    desc "config", "Print every effective setting with its source"
    def config
      self.class.load_app
      rows = App.settings.explain.map { |row| [ row.name, row.value, row.source ] }
      widths = [ 0, 1 ].map { |column| rows.map { |row| row[column].length }.max }
      rows.each { |name, value, source| say "#{name.ljust(widths[0])}  #{value.ljust(widths[1])}  #{source}" }
    end

    no_commands do
      def count(number, word) = "#{number} #{word.pluralize(number)}"

      # They are in the log, which this terminal may not show.
      def say_warnings
        return if ActiveSupport::Logger.logger_outputs_to?(TaskerContribRails.logger, $stdout, $stderr)

        App.unused_handlers.each { |line| say "warning: #{line}" }
      end

      def end_when_stuck(hung, threads)
        return if hung.size < threads

        raise WorkerError, "all #{threads} threads run handlers that exceeded timeout_seconds and did not end (#{hung.map(&:handler).uniq.join(", ")}); " \
                           "the worker ends, so that its supervisor starts a new one"
      end

      def wait_for_end(signals)
        runtime = TaskerContribRails.runtime
        until signals.wait_readable(LOOK)
          raise WorkerError, "the worker is not running any more; its log says why" unless runtime.running?

          end_when_stuck(runtime.dispatcher.hung, runtime.settings["worker.concurrency"])
        end
        say "#{signals.gets.chomp}: draining"
        result = runtime.stop
        result.cut.each { |step| say "cut, and tried again by another worker: #{step[:step]} step=#{step[:step_uuid]} task=#{step[:task_uuid]}" }
        say "stopped"
      end
    end
  end
end
