# frozen_string_literal: true

require "rails/generators"

module Tasker
  module Generators
    # rails generate tasker:install
    class InstallGenerator < ::Rails::Generators::Base
      desc "Sets Tasker up in this app. It can be run again."
      source_root File.expand_path("templates", __dir__)

      def initializer = template("initializer.rb", "config/initializers/tasker.rb")
      def settings = template("tasker.toml", "config/tasker.toml")

      def binstub
        template("tasker", "bin/tasker")
        chmod("bin/tasker", 0o755, verbose: false)
      end

      def folders
        create_file("app/handlers/.keep", "")
        create_file("config/tasks/.keep", "")
      end

      def procfile
        file = %w[Procfile.dev Procfile].find { |name| File.file?(File.join(destination_root, name)) }
        return say_status(:skip, "there is no Procfile; the worker is `bin/tasker start`", :yellow) unless file

        append_to_file(file, "worker: bin/tasker start\n") unless behavior == :invoke && File.read(File.join(destination_root, file)).match?(/^worker:.*tasker/)
      end

      def health
        route('mount Tasker::Health => "/tasker"')
      end
    end
  end
end
