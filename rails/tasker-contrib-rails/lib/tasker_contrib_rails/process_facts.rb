# frozen_string_literal: true

require_relative "mode"

module TaskerContribRails
  # Looks at this process, for {Mode.decide}.
  #
  # @api private
  module ProcessFacts
    module_function

    # @param runtime [Runtime]
    # @param settings [Config::Settings]
    # @param root [Pathname] of the app
    # @param command [Boolean] asked by bin/tasker or tasker:start
    # @param puma_plugin [Boolean] asked by the Puma plugin
    # @return [Mode::Facts]
    def of(runtime, settings, root:, command: false, puma_plugin: false)
      folder = root.join(settings["templates"])
      Mode::Facts.new(command:, puma_plugin:, puma: !puma_plugin && puma?, forked_from: runtime.forked_from, kind:,
        database: settings.set?("database.url") || settings.core_values.key?("common.database.url"),
        templates: folder.directory?, templates_folder: settings["templates"])
    end

    # @return [Symbol] see {Mode::Facts}
    def kind
      return :console if defined?(Rails::Console)
      return :precompile if precompile?
      return :generator if generator?
      return :runner if defined?(Rails::Command::RunnerCommand)
      return :rake if rake?
      return :spring if defined?(Spring::Application) || File.basename($PROGRAM_NAME).start_with?("spring")
      return :test if defined?(Rails) && Rails.respond_to?(:env) && Rails.env.test?

      :server
    end

    def rake?
      File.basename($PROGRAM_NAME) == "rake" || (defined?(Rake.application) && Rake.application.top_level_tasks.any?)
    end

    def precompile?
      defined?(Rake.application) && Rake.application.top_level_tasks.any? { |task| task.start_with?("assets:") }
    end

    def generator?
      defined?(Rails::Command::GenerateCommand) || defined?(Rails::Command::DestroyCommand) ? true : false
    end

    # Puma loads this constant by itself when it is started; `defined?` would be true as soon as its gem is there.
    def puma?
      launched = defined?(::Puma) && ::Puma.const_defined?(:Launcher, false) && !::Puma.autoload?(:Launcher)
      launched || File.basename($PROGRAM_NAME).start_with?("puma") ? true : false
    end
  end
end
