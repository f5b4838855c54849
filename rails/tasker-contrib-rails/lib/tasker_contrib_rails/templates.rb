# frozen_string_literal: true

require_relative "templates/branches"
require_relative "templates/reading"
require_relative "templates/shape"
require_relative "templates/step_checks"
require_relative "templates/template"
require_relative "templates/template_checks"

module TaskerContribRails
  # Task templates: reading them, and the checks that Core leaves out. Core ignores unknown keys, accepts cycles and duplicate
  # names, and registers a template whose handlers do not exist; such mistakes show up as tasks that never end.
  #
  # @api private
  module Templates
    # What was found below a folder.
    Report = Data.define(:templates, :errors, :warnings) do
      # @raise [ConfigurationError] with all errors, if there are any
      def raise_for_errors
        raise ConfigurationError, errors unless errors.empty?

        self
      end
    end

    module_function

    # Every YAML file below the folder: Core takes each of them as a template.
    def files(folder)
      Dir[File.join(folder, "**", "*.{yml,yaml}")].select { |path| File.file?(path) }.sort
    end

    # Reads and checks all templates; raises nothing.
    #
    # @param folder [Pathname, String]
    # @param root [Pathname, nil] paths in messages are relative to it
    # @return [Report]
    def load(folder, root: nil)
      return Report.new([], [ "the template folder #{folder} does not exist; create it or set `templates` (TASKER_TEMPLATES)" ], []) unless File.directory?(folder)

      errors, warnings = [], []
      templates = files(folder).filter_map do |path|
        read(path, root ? path.delete_prefix("#{root}/") : path, errors, warnings)
      end
      templates.group_by(&:identity).each_value do |same|
        next if same.one?

        errors << "#{same.last.path}: namespace, name and version are those of #{same.first.path}; the last one that Core reads would win"
      end
      Report.new(templates:, errors:, warnings:)
    end

    def read(path, shown, errors, warnings)
      raw = Reading.content(path)
      unless raw.is_a?(Hash) && (raw.keys & %w[name namespace_name steps]).any?
        errors << "#{shown}: is not a task template; Core reads every YAML file below the template folder, so move this one elsewhere"
        return
      end
      template = Template.new(shown, raw)
      checks = TemplateChecks.new(template)
      errors.concat(checks.errors)
      warnings.concat(checks.warnings)
      template
    rescue Unreadable => error
      errors << "#{shown}: #{error.message}"
      nil
    end
    private_class_method :read
  end
end
