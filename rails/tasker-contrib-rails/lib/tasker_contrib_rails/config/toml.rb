# frozen_string_literal: true

require "json"
require "tomlrb"
require_relative "../errors"

module TaskerContribRails
  module Config
    # Reads TOML, and writes the small part of it that a rendered configuration needs.
    #
    # @api private
    module Toml
      module_function

      # @param path [Pathname, String]
      # @return [Hash] with String keys
      # @raise [ConfigurationError] unreadable, or not TOML
      def read(path)
        Tomlrb.load_file(path.to_s)
      rescue SystemCallError => error
        raise ConfigurationError, "#{path}: cannot be read: #{error.message}"
      rescue Tomlrb::ParseError, ArgumentError => error
        raise ConfigurationError, "#{path}: is not valid TOML: #{error.message.strip.lines.first&.strip}"
      end

      # @param values [Hash{String => Object}] by dotted path, in the order of the file
      # @return [String]
      def write(values)
        sections = values.group_by { |path, _| path.rpartition(".").first }
        blocks = sections.map do |section, rows|
          [ "[#{section}]", *rows.map { |path, value| "#{path.rpartition(".").last} = #{literal(value)}" } ].join("\n")
        end
        "#{blocks.join("\n\n")}\n"
      end

      # Core replaces ${NAME} in the raw text of the file (and aborts on names that it does not know), so no dollar sign
      # may be seen there. TOML's basic strings share JSON's escapes.
      def literal(value)
        case value
        when true, false, Integer, Float then value.to_s
        when Array then "[#{value.map { |item| literal(item) }.join(", ")}]"
        else JSON.generate(value.to_s).gsub("\u007f", "\\u007f").gsub("$", "\\u0024")
        end
      end
      private_class_method :literal
    end
  end
end
