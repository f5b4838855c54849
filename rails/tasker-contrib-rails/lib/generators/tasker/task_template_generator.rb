# frozen_string_literal: true

require "rails/generators"
require_relative "rendered"

module Tasker
  module Generators
    # rails generate tasker:task_template NAME
    class TaskTemplateGenerator < ::Rails::Generators::Base
      include Rendered

      def self.exit_on_failure? = true

      desc "Makes a task template (YAML)."
      argument :name, type: :string, desc: "of the task, such as monthly_report"
      class_option :namespace, type: :string, default: "default", desc: "Namespace: one per worker pool"
      class_option :steps, type: :string, default: "start", desc: "Steps with their dependencies: fetch,clean:fetch,store:clean+fetch"

      def place_files
        check_name(name, "the name")
        check_name(options[:namespace], "the namespace")
        options[:steps].split(/[,:+]/, -1).each { |step| check_name(step, "the step") }
        raise Thor::Error, "the namespace has more than 29 characters, which a queue's name cannot hold" if options[:namespace].length > 29

        @files = place("task_template", name: name, namespace: options[:namespace].underscore, steps: options[:steps])
      end

      def next_step
        callables = YAML.safe_load(@files.values.first).fetch("steps").map { |step| step.dig("handler", "callable") }.uniq
        say_next("Next: make the handlers that its steps call, where there are none yet, then run `bin/tasker check`:", *callables.map { |callable| command(callable) })
      end

      private

      def command(callable)
        namespace, name = callable.underscore.delete_suffix("_handler").split("/").then { |parts| [ parts[0..-2].join("/"), parts.last ] }
        "  bin/rails generate tasker:step_handler #{name}#{" --namespace #{namespace}" unless namespace.empty?}"
      end
    end
  end
end
