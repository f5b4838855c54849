# frozen_string_literal: true

require_relative "config/keys"
require_relative "config/settings"
require_relative "config/sources"

module TaskerContribRails
  # What +Tasker.configure+ yields, and what +config.tasker+ is: records values with the place that set them. They are
  # checked together when the app boots.
  #
  # @example
  #   Tasker.configure do |config|
  #     config.database.pool_size = 20
  #     config.worker.concurrency = 10
  #     config.core["common.backoff.jitter_enabled"] = false
  #   end
  class Configuration
    # A section such as +config.database+, or the configuration itself.
    module Names
      # Settings and sections are methods: +config.mode = "client"+, +config.database.pool_size = 20+.
      #
      # @raise [ConfigurationError] an unknown name
      def method_missing(method, *arguments)
        text = method.to_s
        return super unless text.match?(/\A[a-z]\w*=?\z/)

        text.end_with?("=") ? assign(text.chomp("="), arguments.first) : read(text)
      end

      def respond_to_missing?(method, _include_private = false)
        name = "#{prefix}#{method.to_s.chomp("=")}"
        Config::Keys::NAMES.any? { |known| known == name || known.start_with?("#{name}.") }
      end

      private

      def assign(setting, value)
        name = "#{prefix}#{setting}"
        unknown!(name) unless Config::Keys::NAMES.include?(name)

        place = caller_locations(2, 1).first.then { |location| "#{location.path}:#{location.lineno}" }
        TaskerContribRails.logger.warn("#{name} was set at #{place} after the settings were read, and has no effect: set it in config/initializers") if App.resolved?
        values[name] = [ value, place ]
      end

      def read(setting)
        name = "#{prefix}#{setting}"
        return values[name]&.first if Config::Keys::NAMES.include?(name)
        return Section.new("#{name}.", values) if Config::Keys::NAMES.any? { |known| known.start_with?("#{name}.") }

        unknown!(name)
      end

      def unknown!(name)
        sections = Config::Keys::NAMES.filter_map { |known| known[/\A(.+)\.[^.]+\z/, 1] }.uniq
        hint = TaskerContribRails::Names.did_you_mean(name, Config::Keys::NAMES + sections)
        raise ConfigurationError, "#{name}: unknown setting#{hint.empty? ? "; `config.core` takes any key of Core by its dotted path" : hint}"
      end
    end

    # A group of settings, such as +config.database+.
    class Section
      include Names

      def initialize(prefix, values)
        @prefix = prefix
        @values = values
      end

      private

      attr_reader :prefix, :values
    end

    # +config.core+: any key of Core by its dotted path.
    class CoreKeys
      def initialize(values)
        @values = values
      end

      # @param path [String] such as "common.backoff.jitter_enabled"
      # @return [Object, nil] what was set here
      def [](path) = @values["core.#{path}"]&.first

      # @param path [String] a key of Core
      # @param value [Object] checked at boot
      def []=(path, value)
        place = caller_locations(1, 1).first
        @values["core.#{path}"] = [ value, "#{place.path}:#{place.lineno}" ]
      end
    end

    include Names

    def initialize
      @values = {}
    end

    # @return [CoreKeys]
    def core = CoreKeys.new(@values)

    # The effective settings: this, then variables, credentials, the file, defaults.
    #
    # @param environment [Hash]
    # @param credentials [Hash, nil]
    # @param file [Pathname, nil]
    # @return [Config::Settings]
    # @raise [ConfigurationError]
    def resolve(environment: ENV, credentials: nil, file: nil)
      sources = [ @values, Config::Sources.environment(environment), Config::Sources.credentials(credentials), Config::Sources.file(file) ]
      Config::Settings.new(sources, problems: Config::Sources.problems(environment))
    end

    private

    attr_reader :values

    def prefix = ""
  end
end
