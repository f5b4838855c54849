# frozen_string_literal: true

require_relative "../contract"
require_relative "../names"
require_relative "secrets"
require_relative "database_url"

module TaskerContribRails
  module Config
    # Checks values of configuration keys before Core can see, or silently ignore, them.
    #
    # @api private
    module Value
      # Why a value is not acceptable, without the name of the setting.
      class Problem < StandardError; end

      WORDS = {
        str: "a text", bool: "true or false", int: "a whole number", float: "a number",
        str_list: "a list of texts", int_list: "a list of whole numbers"
      }.freeze

      module_function

      # @param path [String] a dotted path of Core's configuration
      # @return [Contract::ConfigKey]
      # @raise [Problem] there is no such key
      def lookup(path)
        Contract::CONFIG_KEYS.fetch(path) do
          section = Contract::CONFIG_KEYS.keys.any? { |key| key.start_with?("#{path}.") }
          raise Problem, "is a section; set one of its keys" if section

          raise Problem, "is not a key of Core's configuration#{Names.did_you_mean(path, Contract::CONFIG_KEYS.keys)}"
        end
      end

      # @param key [Contract::ConfigKey]
      # @return [Object] the value in the key's type
      # @raise [Problem] wrong type, out of range, not one of the choices, or of the wrong form
      def check(key, value)
        value = typed(key, value)
        check_range(key, value) if value.is_a?(Numeric)
        unless key.choices.empty? || key.choices.include?(value)
          raise Problem, "must be one of #{key.choices.join(", ")}#{Names.did_you_mean(value, key.choices)}"
        end

        check_form(key.pattern, value) if key.pattern
        if key.path.end_with?(".base_url") && !value.match?(%r{\Ahttps?://[^/]+})
          raise Problem, "must start with http:// or https://"
        end

        value
      end

      # Reads the text of an environment variable as the key's type; a text that does not fit stays a text.
      def parse(key, text)
        case key.type
        when :bool then { "true" => true, "1" => true, "false" => false, "0" => false }.fetch(text.strip.downcase, text)
        when :int then Integer(text, 10, exception: false) || text
        when :float then Float(text, exception: false) || text
        when :str_list then text.split(",").map(&:strip)
        when :int_list then text.split(",").map { |part| Integer(part, 10, exception: false) || part }
        else text
        end
      end

      def typed(key, value)
        value = value.to_s if key.type == :str && (value.is_a?(Symbol) || value.is_a?(Pathname))
        fits = case key.type
        when :bool then [ true, false ].include?(value)
        when :int then value.is_a?(Integer)
        when :float then value.is_a?(Numeric)
        when :str then value.is_a?(String)
        when :str_list then value.is_a?(Array) && value.all?(String)
        when :int_list then value.is_a?(Array) && value.all?(Integer)
        end
        raise Problem, "must be #{WORDS.fetch(key.type)}" unless fits

        key.type == :float ? value.to_f : value
      end
      private_class_method :typed

      def check_range(key, value)
        low, high = key.minimum, key.maximum
        return unless (low && value < low) || (high && value > high)

        range = if high.nil? then "at least #{low}"
        elsif low.nil? then "at most #{high}"
        else
          "#{low} to #{high}"
        end
        raise Problem, "must be #{range}"
      end
      private_class_method :check_range

      # Core checks the same form of variables, and aborts the process when it does not match.
      def check_form(name, value)
        expression, example = Contract::PATTERNS.fetch(name)
        database = name.start_with?("database_url")
        if expression.match?(value)
          problem = DatabaseUrl.character_problem(value) if database
          raise Problem, problem if problem

          return
        end

        raise Problem, database ? DatabaseUrl.problem(value) : "must have the form #{example}"
      end
      private_class_method :check_form
    end
  end
end
