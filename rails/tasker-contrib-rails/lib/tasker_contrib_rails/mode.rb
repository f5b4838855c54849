# frozen_string_literal: true

module TaskerContribRails
  # Decides what this process does. Pure: the same facts give the same answer.
  #
  # @api private
  module Mode
    # What is known about a process.
    #
    # - +command+: started to run steps, by bin/tasker or the task tasker:start
    # - +puma_plugin+: the Puma plugin asks, in the process that serves requests
    # - +puma+: Puma runs and its plugin has not asked: this may be the master process, which only starts those that serve
    # - +forked_from+: process id of a parent whose worker was running at the fork
    # - +kind+: console, generator, rake, runner, precompile, spring, test or server
    # - +database+: a source sets database.url
    # - +templates+: the template folder exists
    Facts = Data.define(:command, :puma_plugin, :puma, :forked_from, :kind, :database, :templates, :templates_folder) do
      def initialize(command: false, puma_plugin: false, puma: false, forked_from: nil, kind: :server, database: false,
                     templates: false, templates_folder: "config/tasks")
        super
      end
    end

    # What a process does, and why.
    Decision = Data.define(:mode, :reason) do
      def worker? = mode == :worker
      def client? = mode == :client
      def off? = mode == :off
      def to_s = "#{mode}: #{reason}"
    end

    # Kinds of process that never run steps, whatever is set, and what they are called.
    NEVER = {
      console: "a console", generator: "a generator", rake: "a rake task", runner: "rails runner",
      precompile: "asset precompilation", spring: "a Spring server"
    }.freeze

    module_function

    # @param setting [String] auto, off, client or worker
    # @param source [String] where the setting comes from
    # @param facts [Facts]
    # @return [Decision]
    def decide(setting, facts, source: "the setting mode")
      return Decision.new(:off, "mode is 'off' (#{source})") if setting == "off"
      return Decision.new(:client, "mode is 'client' (#{source})") if setting == "client"

      refusal = refusal(facts)
      return Decision.new(:client, refusal) if refusal
      return Decision.new(:worker, "mode is 'worker' (#{source})") if setting == "worker"

      automatic(facts)
    end

    def refusal(facts)
      return "forked from process #{facts.forked_from}, which runs a worker" if facts.forked_from
      return if facts.command
      return "this is #{NEVER[facts.kind]}" if NEVER.key?(facts.kind)

      "this may be a master process of Puma; `plugin :tasker` in config/puma.rb starts the worker where requests are served" if facts.puma
    end
    private_class_method :refusal

    def automatic(facts)
      return Decision.new(:worker, "this process was started to run steps") if facts.command
      return Decision.new(:client, "tests are running; set mode to 'worker' to run steps in them") if facts.kind == :test
      return Decision.new(:client, "steps run in bin/tasker, or here with `plugin :tasker` in config/puma.rb") unless facts.puma_plugin
      return Decision.new(:client, "database.url (DATABASE_URL) is not set") unless facts.database
      return Decision.new(:client, "the template folder #{facts.templates_folder} does not exist") unless facts.templates

      Decision.new(:worker, "Puma runs with the plugin, and a database and templates are configured")
    end
    private_class_method :automatic
  end
end
