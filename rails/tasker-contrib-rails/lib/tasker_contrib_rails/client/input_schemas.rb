# frozen_string_literal: true

require "json_schemer"
require_relative "errors"

module TaskerContribRails
  class Client
    # The +input_schema+ of local templates. Core stores them, and never checks a context against them.
    #
    # @api private
    class InputSchemas
      # @param templates [#call] gives the local templates, each with identity and input_schema
      def initialize(templates)
        @templates = templates
      end

      # @raise [InvalidRequestError] the context does not match; nothing was sent
      def check(identity, context)
        schema = known[identity]
        return unless schema

        found = JSONSchemer.schema(schema).validate(context).map { |error| describe(error) }
        return if found.empty?

        raise InvalidRequestError.new("the context does not match the input_schema of #{name_of(identity)}: #{found.join("; ")}", code: "INPUT_SCHEMA")
      end

      # @return [String] for a template that the server does not know
      def hint(identity)
        return "; it is in the template folder: is a worker running?" if known.key?(identity)

        Names.did_you_mean(name_of(identity), known.keys.map { |key| name_of(key) })
      end

      private

      def known
        @known ||= @templates.call.to_h { |template| [ template.identity, template.input_schema ] }
      end

      def name_of((namespace, name, version)) = "#{namespace}/#{name} #{version}"

      def describe(error)
        path = error["data_pointer"].to_s.delete_prefix("/").tr("/", ".")
        where = path.empty? ? "(context)" : path
        case error["type"]
        when "required" then "#{where}: #{error.dig("details", "missing_keys")&.join(", ")} is missing"
        else "#{where}: is not a valid #{error["type"]}"
        end
      end
    end
  end
end
