# frozen_string_literal: true

require "tomlrb"
require_relative "tera"

module Tasker
  module Generators
    # Renders the templates of the plugin. Thor then places each file, so that conflicts ask, and --pretend, --force, --skip and `rails destroy`
    # work.
    module Rendered
      NAME = /\A[A-Za-z][A-Za-z0-9_]*\z/

      private

      # @return [Hash] what was rendered, by path
      def place(template, parameters)
        render(template, parameters).each { |path, content| create_file(moved(path), content) if wanted?(path) }
      end

      # A handler without a template, or a template without handlers, does nothing yet.
      def say_next(*lines)
        say [ "", *lines ].join("\n") if behavior == :invoke && !options[:pretend]
      end

      # Tests for the framework that the app uses, and no others.
      def wanted?(path)
        return true unless path.start_with?("spec/", "test/")

        !options[:skip_spec] && path.start_with?(rspec? ? "spec/" : "test/")
      end

      def rspec?
        framework = ::Rails.application.config.generators.options.dig(:rails, :test_framework)
        framework ? framework == :rspec : File.directory?(File.join(destination_root, "spec"))
      end

      # Into the folder that the app's settings name.
      def moved(path)
        %w[handlers templates].each do |name|
          usual = TaskerContribRails::Config::Keys.default(name)
          return path.sub(usual, TaskerContribRails::App.settings[name]) if path.start_with?("#{usual}/")
        end
        path
      end

      def render(template, parameters)
        folder = File.join(plugin, "templates", template)
        about = Tomlrb.load_file(File.join(folder, "template.toml"))
        defaults = about.fetch("parameters", []).to_h { |row| row.values_at("name", "default") }
        values = defaults.merge(parameters.compact.transform_keys(&:to_s)).compact
        about.fetch("outputs").to_h do |output|
          path = output.values_at("subdir", "filename").compact.map { |part| Tera.render(part, values) }
          [ File.join(*path), Tera.render(File.read(File.join(folder, output["template"])), values) ]
        end
      end

      # Beside the gem in the repository, inside the gem when it was built.
      def plugin
        gem = File.expand_path("../../..", __dir__)
        [ File.join(gem, "plugin"), File.expand_path("../tasker-cli-plugin", gem) ].find { |path| File.file?(File.join(path, "tasker-plugin.toml")) } ||
          raise(Thor::Error, "the templates of tasker-contrib-rails are missing: reinstall the gem")
      end

      def check_name(value, what)
        return value if value.match?(NAME)

        raise Thor::Error, "#{what} '#{value}' must be letters, digits and _, and begin with a letter"
      end
    end
  end
end
