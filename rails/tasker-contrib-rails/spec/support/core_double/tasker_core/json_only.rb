# frozen_string_literal: true

module TaskerCore
  # What the native library cannot take.
  module JsonOnly
    def self.check(value)
      case value
      when Hash then value.each_value { |inner| check(inner) }
      when Array then value.each { |inner| check(inner) }
      when nil, true, false, String, Symbol, Integer, Float then value
      else raise TypeError, "#{value.class} cannot be serialised"
      end
    end
  end
end
