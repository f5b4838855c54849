# frozen_string_literal: true

require "open3"
require "tmpdir"

module Tasker
  module Generators
    # Renders templates with tasker-ctl into a temporary folder: it overwrites silently, so it never sees the app. Thor then places
    # each file, so that conflicts ask, and --pretend, --force, --skip and `rails destroy` work.
    module Ctl
      NAME = /\A[A-Za-z][A-Za-z0-9_]*\z/
      INSTALL = "install it with `cargo install tasker-ctl --version #{TaskerContribRails::Contract::CORE_VERSION} --locked` (it is compiled, which needs Rust, and " \
                "protoc: apt-get install protobuf-compiler, or brew install protobuf), or set TASKER_CTL to its path".freeze

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
        program = find_ctl
        Dir.mktmpdir("tasker-generate") do |scratch|
          FileUtils.mkdir_p(File.join(scratch, ".config"))
          File.write(File.join(scratch, ".config/tasker.toml"), "[cli]\nplugin-paths = [#{plugin.to_json}]\n")
          command = [ program, "template", "generate", template, "-l", "ruby", "-o", "out" ] + parameters.compact.flat_map { |key, value| [ "-p", "#{key}=#{value}" ] }
          # tasker-ctl looks for this profile in every command, and the scratch folder has none.
          output, status = Open3.capture2e({ "TASKER_CLIENT_PROFILE" => nil }, *command, chdir: scratch, stdin_data: "")
          raise Thor::Error, "#{program} failed for template '#{template}': #{output.strip}" unless status.success?

          read(File.join(scratch, "out"))
        end
      end

      def read(folder)
        Dir[File.join(folder, "**/*")].select { |path| File.file?(path) }.sort.to_h { |path| [ path.delete_prefix("#{folder}/"), File.read(path) ] }
      end

      def find_ctl
        program = ENV.fetch("TASKER_CTL", "tasker-ctl")
        return program if program.include?("/") ? File.executable?(program) : ENV["PATH"].split(":").any? { |folder| File.executable?(File.join(folder, program)) }

        raise Thor::Error, "#{program} was not found, and the generators need it: #{INSTALL}"
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
