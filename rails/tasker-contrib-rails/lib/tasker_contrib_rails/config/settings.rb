# frozen_string_literal: true

require_relative "keys"
require_relative "secrets"
require_relative "value"
require_relative "../errors"
require_relative "../names"

module TaskerContribRails
  # Settings: where they come from, what they may be.
  module Config
    # The effective settings of a process: checked, with the source of each. Immutable.
    class Settings
      # One effective value: name, text (secrets masked), source, Core's key (or nil), what it does.
      Row = Data.define(:name, :value, :source, :core_key, :doc)

      # @return [Hash{String => Object}] Core's keys that a source set, by dotted path
      attr_reader :core_values
      # @return [Array<String>] what has no effect
      attr_reader :warnings
      # @return [Array<String>] problems of workers only. DATABASE_URL is also the app's own variable: a process that creates
      #   tasks must not fail because of its form.
      attr_reader :worker_problems

      # @param sources [Array<Hash>] name to +[value, where]+, the most important first
      # @param problems [Array<String>] found while reading them
      # @raise [ConfigurationError] with every problem: unknown names, wrong types, values out of range
      def initialize(sources, problems: [])
        @given = sources.reverse.inject({}, :merge)
        @values = {}
        @core_values = {}
        @warnings = []
        @worker_problems = []
        @problems = problems.dup
        @given.each { |name, (value, where)| take(name, value, where) }
        raise ConfigurationError, @problems unless @problems.empty?

        freeze
      end

      # @param name [String] dotted, such as "database.pool_size"
      # @return [Object] the effective value
      def [](name)
        @values.fetch(name) { Keys.default(name) }
      end

      # @return [String] where a setting comes from: a place in Ruby code, a variable, a file, or "default"
      def source(name) = @given.key?(name) ? @given[name].last : "default"

      # @return [Boolean] whether any source sets it
      def set?(name) = @given.key?(name)

      # @return [Array<Row>] every effective value with its source
      def explain
        rows = Keys::NAMES.map do |name|
          path = Keys.core_path(name)
          Row.new(name:, value: Secrets.shown(path || name, self[name]), source: source(name), core_key: path, doc: Keys.doc(name))
        end
        rows + other_core_rows
      end

      # @return [Array<String>] names of the settings in which two differ
      def differences(other)
        names = Keys::NAMES.reject { |name| self[name] == other[name] }
        paths = (core_values.keys | other.core_values.keys).reject { |path| core_values[path] == other.core_values[path] }
        named = Keys::NAMES.filter_map { |name| Keys.core_path(name) }
        names + (paths - named)
      end

      private

      def take(name, value, where)
        return take_core(name.delete_prefix("core."), value, where) if name.start_with?("core.")

        label = "#{name} = #{Secrets.shown(Keys.core_path(name) || name, value)} (#{where})"
        unless Keys::NAMES.include?(name)
          hint = Names.did_you_mean(name, Keys::NAMES)
          hint = "; keys of Core go below `core`, by their dotted path" if hint.empty?
          return @problems << "#{name} (#{where}): unknown setting#{hint}"
        end

        @values[name] = Value.check(Keys.key(name), value)
        @core_values[Keys.core_path(name)] = @values[name] if Keys.core_path(name)
      rescue Value::Problem => problem
        core = Keys.core_path(name)
        list = where == "environment DATABASE_URL" ? @worker_problems : @problems
        list << "#{label}: #{problem.message}#{" [Core's key #{core}]" if core}"
      end

      def take_core(path, value, where)
        label = "core[\"#{path}\"] = #{Secrets.shown(path, value)} (#{where})"
        key = Value.lookup(path)
        checked = Value.check(key, value)
        named = Contract::SETTINGS.find { |name, (core, _)| core == path && @given.key?(name) }&.first
        return @problems << "#{label}: is also set by the setting '#{named}'; keep one" if named
        return @problems << "#{label}: is a key of the server; a worker does not read it" if path.start_with?("orchestration.")

        @warnings << "#{label} has no effect: Core #{Contract::CORE_VERSION} never reads this key" if key.inert
        @core_values[path] = checked
      rescue Value::Problem => problem
        @problems << "#{label}: #{problem.message}"
      end

      def other_core_rows
        named = Keys::NAMES.filter_map { |name| Keys.core_path(name) }
        Contract::CONFIG_KEYS.except(*named).reject { |path, _| path.start_with?("orchestration.") }.map do |path, key|
          value = @core_values.fetch(path) { key.default }
          Row.new(name: path, value: Secrets.shown(path, value), source: source("core.#{path}"), core_key: path, doc: key.doc)
        end
      end
    end
  end
end
