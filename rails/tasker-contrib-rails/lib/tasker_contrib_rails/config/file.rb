# frozen_string_literal: true

require "digest"
require "fileutils"
require_relative "connection"
require_relative "toml"
require_relative "../contract"
require_relative "keys"

module TaskerContribRails
  module Config
    # The complete file that Core wants: it has no defaults of its own when it loads one.
    #
    # @api private
    module File
      CLIENT = "worker.orchestration_client"
      # Seconds.
      KEPT = 24 * 60 * 60

      module_function

      # @param settings [Settings]
      # @return [Hash{String => Object}] all keys of a worker's file, by dotted path
      def values(settings)
        chosen = Keys::DEFAULTS.transform_keys { |name| Keys.core_path(name) }.merge(settings.core_values)
        wanted = Contract::OPTIONAL_SECTIONS.keys.select do |section|
          # The client section is always there, so that Core's own client works in handlers.
          section == CLIENT || settings.core_values.keys.any? { |path| path.start_with?("#{section}.") }
        end
        keys = Contract::CONFIG_KEYS.reject { |path, _| path.start_with?("orchestration.") || left_out?(path, wanted) }
        noticed(keys.to_h { |path, key| [ path, chosen.fetch(path) { key.default } ] }).merge(credentials(settings))
      end

      # @return [String] with literal values only: no placeholder means nothing that Core could refuse
      def render(settings)
        "# Configuration of a Tasker #{Contract::CORE_VERSION} worker, rendered by tasker-contrib-rails at each start.\n" \
          "#{Toml.write(values(settings))}"
      end

      # Writes the file, readable by its owner only: it holds the database's password. Its name follows its content: two
      # processes that start at the same time with other settings do not read each other's.
      #
      # @return [Pathname] +folder/environment-digest.toml+
      def write(settings, folder:, environment:)
        folder.mkpath
        remove_old(folder, environment)
        content = render(settings)
        target = folder.join("#{environment}-#{Digest::SHA256.hexdigest(content).first(12)}.toml")
        temporary = folder.join(".#{environment}.#{Process.pid}.toml")
        ::File.open(temporary, ::File::WRONLY | ::File::CREAT | ::File::TRUNC, 0o600) { |file| file.write(content) }
        ::File.rename(temporary, target)
        target
      end

      # Core reads its file at the start only.
      def remove_old(folder, environment)
        folder.glob("#{environment}-*.toml").each { |file| file.delete if file.mtime < Time.now - KEPT }
      rescue Errno::ENOENT
        nil # another process was faster
      end
      private_class_method :remove_old

      def left_out?(path, wanted)
        Contract::OPTIONAL_SECTIONS.keys.any? { |section| path.start_with?("#{section}.") && !wanted.include?(section) }
      end
      private_class_method :left_out?

      # Database URLs with the name of this process.
      def noticed(values)
        name = Connection.name
        values.to_h do |path, value|
          database = Contract::CONFIG_KEYS.fetch(path).pattern.to_s.start_with?("database_url")
          [ path, database && !value.empty? ? Connection.url(value, name) : value ]
        end
      end
      private_class_method :noticed

      def credentials(settings)
        if settings["orchestration.token"]
          { "#{CLIENT}.auth.type" => "bearer", "#{CLIENT}.auth.token" => settings["orchestration.token"] }
        elsif settings["orchestration.api_key"]
          { "#{CLIENT}.auth.type" => "api_key", "#{CLIENT}.auth.key" => settings["orchestration.api_key"],
            "#{CLIENT}.auth.header_name" => settings["orchestration.api_key_header"] }
        else
          {}
        end
      end
      private_class_method :credentials
    end
  end
end
