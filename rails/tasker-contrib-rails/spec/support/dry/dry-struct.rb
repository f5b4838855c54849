# frozen_string_literal: true

require "dry-types"

module Dry
  # As much of dry-struct as Core's value classes need: attributes with types, readers, comparison.
  class Struct
    # A value that does not fit.
    class Error < StandardError; end

    class << self
      def schema = @schema ||= superclass.respond_to?(:schema) ? superclass.schema.dup : {}

      def attribute(name, type)
        schema[name] = [ type, true ]
        attr_reader name
      end

      def attribute?(name, type, &)
        schema[name] = [ type, false ]
        attr_reader name
      end

      def transform_keys(&block) = @key = block
      def key = @key || (superclass.respond_to?(:key) ? superclass.key : nil)

      # What dry-types asks of a type.
      def optional = Types["any"].constructor { |value| value.nil? ? nil : new(value) }
      def default(...) = Types["any"].constructor { |value| new(value) }.default(...)
      def call_unsafe(value) = new(value)
      def call_safe(value, &) = new(value)
      def try(value) = Types::Result::Success.new(new(value))
      def valid?(value) = new(value) && true
      def default? = false
      def optional? = false
      def constrained? = true
      def to_ast(*) = [ :definition, [ self, {} ] ]
      def new(attributes = {}) = attributes.is_a?(self) ? attributes : super
    end

    def initialize(attributes)
      attributes = attributes.to_h
      attributes = attributes.transform_keys(&self.class.key) if self.class.key
      self.class.schema.each do |name, (type, required)|
        next unless attributes.key?(name) || required

        instance_variable_set(:"@#{name}", attributes.key?(name) ? type[attributes[name]] : type[])
      end
    rescue Types::CoercionError, ArgumentError => error
      raise Error, "[#{self.class}.new] #{error.message}"
    end

    def to_h = self.class.schema.keys.to_h { |name| [ name, public_send(name) ] }
    alias to_hash to_h
    def [](name) = public_send(name)
    def ==(other) = other.class == self.class && other.to_h == to_h
  end
end
