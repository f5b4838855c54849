# frozen_string_literal: true

require_relative "errors"
require_relative "events"
require_relative "worker/database"
require_relative "worker/dispatcher"
require_relative "worker/preparation"

module TaskerContribRails
  # The worker of this process: at most one, started at most once. Core can do neither a second start nor a start after a stop,
  # so neither reaches it.
  #
  # @api private
  class Runtime
    # What a stop came to: steps that were interrupted and will be tried again, and how many had not begun.
    StopResult = Data.define(:cut, :returned) do
      def clean? = cut.empty? && returned.zero?
    end

    # Where the runtime keeps its rendered configuration, below the app.
    CONFIG_FOLDER = "tmp/tasker"

    # @return [:idle, :starting, :running, :draining, :stopped, :failed]
    attr_reader :state
    # @return [Integer, nil] in a forked child: the process that has the worker
    attr_reader :forked_from

    def initialize
      @lock = Monitor.new
      @state = :idle
    end

    # Checks settings, templates and handlers, then starts the worker. A second start with the same settings does nothing.
    #
    # @param settings [Config::Settings]
    # @param root [Pathname] of the app
    # @param environment [String] such as Rails.env
    # @return [Runtime]
    # @raise [ConfigurationError] something is wrong; Core was not started
    # @raise [WorkerError] there is no database, or the worker was started with other settings, was stopped, or could not start
    def start!(settings:, root:, environment:)
      @lock.synchronize do
        return self if started?(settings)

        prepared = Worker::Preparation.templates(settings, root)
        Worker::Database.check!(settings)
        begin
          @state = :starting
          launch(settings, root, environment, prepared)
        rescue StandardError => error
          @failure = error.message
          @state = :failed
          raise WorkerError, "the worker could not start: #{error.message}"
        end
        self
      end
    end

    # Stops claiming, lets running steps end, and stops.
    #
    # @param timeout [Numeric, nil] seconds that running steps get; the setting drain_timeout if nil
    # @return [StopResult, nil] nil if there was nothing to stop
    def stop(timeout: nil)
      @lock.synchronize do
        return unless @state == :running && owned?

        @state = :draining
        timeout ||= @settings["drain_timeout"]
        Events.publish(:worker_draining, in_flight: @dispatcher.running.size, timeout:)
        result = drain(timeout)
        @core.stop
        @state = :stopped
        Events.publish(:worker_stopped, cut: result.cut, returned: result.returned)
        result
      end
    end

    # @return [Boolean] whether steps are claimed
    def running? = @state == :running && owned? && @core.running?

    # @return [Boolean] whether this process, not a parent, started the worker
    def owned? = @pid == Process.pid

    # @return [Worker::Dispatcher, nil]
    attr_reader :dispatcher
    # @return [Config::Settings, nil] those that the worker was started with
    attr_reader :settings

    # @return [Integer] handlers that are executed at once, at most; 0 without a worker
    def capacity = %i[running draining].include?(@state) && owned? ? @settings["worker.concurrency"] : 0

    # @return [Hash] Core's status, with String keys
    def core_status = running? ? @core.status : {}

    # In a forked child: the parent's worker is out of reach.
    def after_fork
      return if @pid.nil? || owned?

      @forked_from = @pid if %i[running starting draining].include?(@state)
      @core&.forget
      # Another thread of the parent may have held it.
      @lock = Monitor.new
      @state = :idle if @forked_from.nil?
    end

    private

    def started?(settings)
      after_fork
      raise WorkerError, "process #{forked_from} has the worker, and this process was forked from it; start the worker after the fork" if forked_from

      case @state
      when :running, :starting
        other = @settings.differences(settings)
        raise WorkerError, "the worker runs already, with other settings: #{other.join(", ")}; restart the process" if other.any?

        true
      when :draining, :stopped then raise WorkerError, "the worker of this process was stopped, and Core cannot start another one; restart the process"
      when :failed then raise WorkerError, "the worker could not start earlier (#{@failure}), and Core cannot try again; restart the process"
      end
    end

    def launch(settings, root, environment, templates)
      @settings = settings
      @pid = Process.pid
      file = Config::File.write(settings, folder: root.join(CONFIG_FOLDER), environment:)
      @core = Worker::Core.new { |event| @dispatcher.dispatch(event) }
      @dispatcher = Worker::Dispatcher.new(concurrency: settings["worker.concurrency"], bridge: TaskerCore::Worker::EventBridge.instance,
        templates: templates.to_h { |template| [ template.identity, template ] })
      Events.legacy = settings["legacy_events"]
      @core.boot(file:, templates: root.join(settings["templates"]), environment:)
      @state = :running
      at_exit { stop } # a host that does not stop it itself; nothing in a forked child
      Events.publish(:worker_started, worker_id: @core.worker_id, namespaces: Array(@core.status["supported_namespaces"]))
    end

    def drain(timeout)
      @core.stop_claiming
      idle = @dispatcher.wait_until_idle(timeout) { @core.pending.positive? }
      cut = idle ? [] : @dispatcher.cut
      # What Core had claimed and not begun comes to the dispatcher now, which hands it back.
      @dispatcher.wait_until_idle(2) { @core.pending.positive? } unless idle
      @dispatcher.shutdown
      StopResult.new(cut:, returned: @dispatcher.returned)
    end
  end
end
