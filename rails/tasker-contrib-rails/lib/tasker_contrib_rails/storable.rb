# frozen_string_literal: true

require "active_support/core_ext/object/json"
require_relative "errors"

module TaskerContribRails
  # Values and texts as Core can store them: JSON in UTF-8. PostgreSQL refuses NUL, and Core's JSON reader what is nested too deep; the
  # step that sent either would never end.
  #
  # @api private
  module Storable
    # The message says where and why.
    class Refused < Error; end

    # Levels of a value; Core reads 128 with what it puts around.
    LEVELS = 100
    # The native library knows no larger numbers.
    INTEGERS = (-(2**63)..((2**64) - 1))
    TOO_DEEP = "is nested in more than #{LEVELS} levels, or contains itself"

    module_function

    # @param name [String] what the value is, for messages
    # @return [Object] the value as JSON has it
    # @raise [Refused]
    def json(value, name)
      tree(as_json(value, name), name, 0)
    end

    # @return [String] for messages: what cannot be stored is replaced
    def text(value) = convert(value.to_s).scrub.tr("\0", "\u{FFFD}")

    # @return [String] of any error, even of one that raises when it is asked
    def message(error)
      text(error.message)
    rescue Exception => problem # rubocop:disable Lint/RescueException -- an app's class, which may raise anything
      "(its message raised #{problem.class})"
    end

    def as_json(value, name)
      value.as_json
    rescue SystemStackError
      raise Refused, "#{name} #{TOO_DEEP}"
    rescue Exception => error # rubocop:disable Lint/RescueException -- an app's as_json, which may raise anything
      raise Refused, "#{name} cannot be made into JSON: #{error.class}: #{message(error)}"
    end
    private_class_method :as_json

    def tree(value, path, level)
      case value
      when Hash, Array
        raise Refused, "#{path[0, 200]} #{TOO_DEEP}" if level >= LEVELS

        value.is_a?(Hash) ? hash(value, path, level) : value.each_with_index.map { |inner, index| tree(inner, "#{path}[#{index}]", level + 1) }
      when String then string(value, path)
      when Integer then INTEGERS.cover?(value) ? value : raise(Refused, "#{path} is larger than 64 bits")
      else value
      end
    end
    private_class_method :tree

    def hash(value, path, level)
      value.to_h { |key, inner| [ string(key.to_s, "a key of #{path}"), tree(inner, "#{path}.#{key}", level + 1) ] }
    end
    private_class_method :hash

    def string(value, path)
      converted = convert(value)
      raise Refused, "#{path} is not valid UTF-8; encode bytes, with Base64 for example" unless converted.valid_encoding?
      raise Refused, "#{path} has a NUL character, which PostgreSQL cannot store; remove it, or encode the value with Base64" if converted.include?("\0")

      converted
    end
    private_class_method :string

    # Bodies of HTTP answers, for example, come as bytes without an encoding.
    def convert(text)
      return text if text.encoding == Encoding::UTF_8
      return text.dup.force_encoding(Encoding::UTF_8) if text.encoding == Encoding::BINARY

      text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace)
    end
    private_class_method :convert
  end
end
