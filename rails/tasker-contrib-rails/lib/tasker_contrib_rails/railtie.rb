# frozen_string_literal: true

require "rails/railtie"

module TaskerContribRails
  # What Rails needs to know: one initializer per concern.
  #
  # @api private
  class Railtie < ::Rails::Railtie
    config.tasker = App.configuration

    initializer "tasker.deprecators" do |app|
      app.deprecators[:tasker] = TaskerContribRails.deprecator
    end

    # Rails loads folders below app/ already. The app's own initializers run too late for this.
    initializer "tasker.handlers", before: :set_autoload_paths do |app|
      folder = app.root.join(App.early("handlers"))
      app.config.autoload_paths += [ folder.to_s ] if folder.directory? && !Railtie.autoloaded?(app, folder)
    end

    initializer "tasker.load_hooks" do
      ActiveSupport.run_load_hooks(:tasker, ::Tasker)
    end

    # After the app's own initializers, so that every setting is there. A mistake fails the boot.
    config.after_initialize do |app|
      Railtie.refuse_replacement(app.config.tasker)
      settings = App.settings
      settings.warnings.each { |warning| TaskerContribRails.logger.warn(warning) }
      settings.worker_problems.each { |problem| TaskerContribRails.logger.warn("no worker can start here: #{problem}") }
      Railtie.warn_about_handlers(settings)
    end

    # @api private
    def self.refuse_replacement(object)
      return if object.equal?(App.configuration)

      raise ConfigurationError, "config.tasker was replaced by a #{object.class}; set its values instead: config.tasker.mode = \"client\""
    end

    # @api private
    def self.autoloaded?(app, folder)
      folder.to_s.start_with?("#{app.root.join("app")}/") || app.config.autoload_paths.map(&:to_s).include?(folder.to_s)
    end

    # @api private
    def self.warn_about_handlers(settings)
      folder = ::Rails.root.join(settings["handlers"])
      return if !folder.directory? || autoloaded?(::Rails.application, folder)

      TaskerContribRails.logger.warn("handlers = #{settings["handlers"]} (#{settings.source("handlers")}) is set too late to be loaded by name: set it in config/application.rb, " \
                                     "in config/tasker.toml or as TASKER_HANDLERS")
    end

    # Runs in processes that serve requests, and nowhere else. Puma's plugin knows better when.
    server { App.start unless defined?(PumaPlugin) }

    rake_tasks { load File.expand_path("../tasks/tasker.rake", __dir__) }
  end
end
