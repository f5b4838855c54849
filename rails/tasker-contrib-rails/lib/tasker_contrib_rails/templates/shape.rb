# frozen_string_literal: true

require "json"
require "json_schemer"
require_relative "../names"

module TaskerContribRails
  module Templates
    # Checks keys, types and values of a template by the JSON Schema that all packages share. Core ignores what it does not know,
    # and drops the whole file for a wrong type.
    #
    # @api private
    module Shape
      # Without the name of its draft: json_schemer before 2.0 knows older ones only, which are enough here.
      SCHEMA = JSON.parse(File.read(File.expand_path("task-template.schema.json", __dir__))).except("$schema").freeze
      LONGEST = 60

      module_function

      # @param raw [Hash] the template as written
      # @return [Array<String>] one sentence each, such as
      #   <tt>step 'a': retry.max_attempts = 0 must be a whole number, 1 to 100</tt>
      def problems(raw)
        value = plain(raw)
        @validator ||= JSONSchemer.schema(SCHEMA)
        @validator.validate(value).map { |error| sentence(value, error) }.uniq
      end

      # As JSON has it: YAML has dates, which Core reads as texts, and keys of every type.
      def plain(value)
        case value
        when Hash then value.to_h { |key, inner| [ key.to_s, plain(inner) ] }
        when Array then value.map { |inner| plain(inner) }
        when Integer, Float, true, false, nil then value
        else value.to_s
        end
      end
      private_class_method :plain

      def sentence(raw, error)
        path = keys(error["data_pointer"])
        rule, value = error.values_at("schema", "data")
        return unknown(raw, path, error["schema_pointer"]) if rule == false
        return missing(table(raw, path), rule["required"] - value.keys) if error["type"] == "required"

        subject = subject(raw, path)
        choices = rule["enum"]
        return "#{subject.presence || "it"} = #{shown(value)} must be #{rule["description"]}" unless choices

        "#{subject} = #{shown(value)} is not one of #{choices.join(", ")}#{Names.did_you_mean(value, choices)}"
      end
      private_class_method :sentence

      def unknown(raw, path, pointer)
        known = SCHEMA.dig(*keys(pointer)[0...-1], "properties").keys
        "#{table(raw, path[0...-1])}unknown key '#{path.last}', which Core would ignore#{Names.did_you_mean(path.last, known)}"
      end
      private_class_method :unknown

      def missing(table, names)
        "#{table}#{names.sort.map { |name| "'#{name}'" }.join(", ")} #{names.one? ? "is" : "are"} missing; Core refuses the whole file"
      end
      private_class_method :missing

      def table(raw, path) = subject(raw, path).then { |subject| subject.empty? ? "" : "#{subject}: " }
      private_class_method :table

      # @return [String] such as <tt>step 'a': publishes_events 'a.b': condition</tt>
      def subject(raw, path)
        value = raw
        dotted = []
        parts = path.each_with_object([]) do |key, found|
          in_list = value.is_a?(Array)
          value = in_list ? value[key.to_i] : value[key]
          next dotted << key unless in_list

          found << place(dotted.join("."), key.to_i, value)
          dotted = []
        end
        [ *parts, dotted.join(".").presence ].compact.join(": ")
      end
      private_class_method :subject

      def place(list, index, value)
        kind = list == "steps" ? "step" : list
        name = value["name"] if value.is_a?(Hash)
        return "#{kind} '#{name}'" if name.is_a?(String) && !name.empty?

        kind == "step" ? "step #{index + 1}" : "#{kind}[#{index}]"
      end
      private_class_method :place

      def keys(pointer) = pointer.split("/").drop(1).map { |key| key.gsub("~1", "/").gsub("~0", "~") }
      private_class_method :keys

      def shown(value)
        case value
        when Hash then "a mapping"
        when Array then "a list"
        when nil then "null"
        else (value.is_a?(String) ? "'#{value}'" : value.to_s).truncate(LONGEST)
        end
      end
      private_class_method :shown
    end
  end
end
