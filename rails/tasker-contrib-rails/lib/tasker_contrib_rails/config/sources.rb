# frozen_string_literal: true

require_relative "keys"
require_relative "toml"
require_relative "value"

module TaskerContribRails
  module Config
    # Where settings come from besides Ruby code. Each source is a hash of name to +[value, where]+.
    #
    # @api private
    module Sources
      module_function

      # @param environment [Hash] such as ENV
      def environment(environment)
        prefixed = Keys::NAMES.filter_map do |name|
          variable = Keys.variable(name)
          next unless environment.key?(variable) && !Keys::PLAIN_VARIABLES.key?(variable)

          [ name, [ Value.parse(Keys.key(name), environment[variable]), "environment #{variable}" ] ]
        end
        plain = Keys::PLAIN_VARIABLES.filter_map do |variable, name|
          [ name, [ environment[variable], "environment #{variable}" ] ] if environment.key?(variable)
        end
        plain.to_h.merge(prefixed.to_h)
      end

      # @param environment [Hash]
      # @return [Array<String>] prefixed variables that look like a misspelt setting
      def problems(environment)
        known = Keys::NAMES.map { |name| Keys.variable(name) }
        environment.keys.grep(/\ATASKER_/).filter_map do |variable|
          next if known.include?(variable) || Keys::FOREIGN_VARIABLES.include?(variable)

          # Similar names only: other programs also have variables that begin like this.
          hint = known.find { |name| DidYouMean::Levenshtein.distance(name, variable) <= 2 }
          "environment #{variable}: unknown setting; did you mean #{hint}?" if hint
        end
      end

      # @param path [Pathname, nil] such as config/tasker.toml
      def file(path)
        return {} unless path&.file?

        tree(Toml.read(path), path.to_s)
      end

      # @param values [Hash, nil] +Rails.application.credentials.tasker+
      def credentials(values)
        values ? tree(values, "credentials tasker") : {}
      end

      # Nested hashes to dotted names; everything below +core+ is a path of Core's configuration.
      def tree(values, where, prefix = "")
        values.each_with_object({}) do |(key, value), found|
          name = "#{prefix}#{key}"
          value.is_a?(Hash) ? found.merge!(tree(value, where, "#{name}.")) : found[name] = [ value, where ]
        end
      end
    end
  end
end
