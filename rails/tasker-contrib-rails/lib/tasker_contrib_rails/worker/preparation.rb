# frozen_string_literal: true

require_relative "../templates"
require_relative "../handlers"
require_relative "core"

module TaskerContribRails
  module Worker
    # Everything that can be wrong without Core. Nothing is started after a failure here, so it can be tried again.
    #
    # @api private
    module Preparation
      module_function

      # @param settings [Config::Settings]
      # @param root [Pathname] of the app
      # @return [Array<Templates::Template>] each with a handler for each of its steps
      # @raise [ConfigurationError]
      def templates(settings, root)
        raise ConfigurationError, settings.worker_problems if settings.worker_problems.any?

        folder = root.join(settings["templates"])
        templates = Templates.load(folder, root:).raise_for_errors.templates
        raise ConfigurationError, no_templates(folder) if templates.empty?

        Core.load!(log_level: settings["log_level"])
        problems = templates.flat_map { |template| Handlers.problems(template) }
        raise ConfigurationError, problems if problems.any?

        templates
      end

      # @return [String] why no worker starts without templates
      def no_templates(folder)
        "the template folder #{folder} has no templates, so that a worker has nothing to run; `bin/rails generate tasker:task_template NAME` makes one"
      end
    end
  end
end
