# frozen_string_literal: true

require "rails/generators"
require_relative "ctl"

module Tasker
  module Generators
    # rails generate tasker:step_handler NAME
    class StepHandlerGenerator < ::Rails::Generators::Base
      include Ctl

      def self.exit_on_failure? = true

      desc "Makes a step handler and its test."
      TYPES = { "base" => "step_handler", "api" => "step_handler_api", "decision" => "step_handler_decision", "batchable" => "step_handler_batchable" }.freeze

      argument :name, type: :string, desc: "of the step, such as charge_card"
      class_option :type, type: :string, default: "base", enum: TYPES.keys, desc: "What kind of step"
      class_option :namespace, type: :string, desc: "Module of the handler, such as billing"
      class_option :skip_spec, type: :boolean, default: false, desc: "Make no test"

      def place_files
        check_name(name, "the name")
        check_name(options[:namespace], "the namespace") if options[:namespace]
        parameters = { name: name, namespace: options[:namespace] }
        place(TYPES.fetch(options[:type]), parameters) { |path| wanted?(path) }
      end

      private

      # Only the tests of the framework that the app uses.
      def wanted?(path)
        return true unless path.start_with?("spec/", "test/")

        !options[:skip_spec] && path.start_with?(rspec? ? "spec/" : "test/")
      end

      def rspec?
        framework = ::Rails.application.config.generators.options.dig(:rails, :test_framework)
        framework ? framework == :rspec : File.directory?(File.join(destination_root, "spec"))
      end
    end
  end
end
