# frozen_string_literal: true

require "rails/generators"
require_relative "rendered"

module Tasker
  module Generators
    # rails generate tasker:step_handler NAME
    class StepHandlerGenerator < ::Rails::Generators::Base
      include Rendered

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
        @files = place(TYPES.fetch(options[:type]), name: name, namespace: options[:namespace])
      end

      def next_step
        handlers = @files.select { |path, _| path.start_with?("app/") }
        path, = handlers.find { |_, content| content.include?("type: batch_worker") }
        return say_next("Next: copy the three steps from the comment in #{moved(path)} into a task template, then run `bin/tasker check`.") if path

        lines = handlers.values.map { |content| "  handler: {callable: #{content[/^class (\S+)/, 1]}}" }
        say_next("Next: give a step of a task template this line, then run `bin/tasker check`:", *lines)
      end
    end
  end
end
