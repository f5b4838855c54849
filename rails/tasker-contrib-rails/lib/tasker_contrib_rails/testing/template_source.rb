# frozen_string_literal: true

require "json_schemer"
require_relative "../templates"

module TaskerContribRails
  module Testing
    # The template of a {Workflow}, from a file or from a hash in a test.
    #
    # @api private
    module TemplateSource
      # Errors that matter for a hash in a test; the others matter to the server only.
      NEEDED = /dependency cycle|depends on|needs at least one dependency|used \d+ times|callable|'handler'/

      module_function

      # @param source [String, Pathname, Hash]
      # @return [Templates::Template]
      # @raise [ConfigurationError] it cannot be read, or Core would not accept or never finish it
      def load(source)
        return check(Templates::Template.new("template", source.deep_stringify_keys)) if source.is_a?(Hash)

        path = Pathname(source)
        path = App.root.join(path) unless path.absolute? || path.file?
        raise ConfigurationError, "#{source}: there is no such file" unless path.file?

        load(YAML.safe_load_file(path, permitted_classes: [ Date, Time ], aliases: true))
      end

      # @raise [ConfigurationError] the context of a task does not fit
      def check_context(template, context)
        schema = template.input_schema or return
        found = JSONSchemer.schema(schema).validate(context).map { |error| "#{error["data_pointer"]} #{error["type"]} #{error["details"]}".strip }
        raise ConfigurationError, "the context does not fit input_schema: #{found.join("; ")}" if found.any?
      end

      def check(template)
        raise ConfigurationError, "the template has no steps" if template.steps.empty?

        errors = Templates::TemplateChecks.new(template).errors.grep(NEEDED)
        raise ConfigurationError, errors if errors.any?

        template
      end
      private_class_method :check
    end
  end
end
