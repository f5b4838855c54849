# frozen_string_literal: true

require_relative "../names"
require_relative "template"

module TaskerContribRails
  module Templates
    # Checks what the schema of templates cannot say of one step: how it fits the others.
    #
    # @api private
    class StepChecks
      attr_reader :errors, :warnings

      def initialize(template, step)
        @template = template
        @step = step
        @errors = []
        @warnings = []
        check_spellings
        check_dependencies
        check_batch
      end

      private

      attr_reader :template, :step

      def where = "#{template.path}: step '#{step.name}'"
      def error(text) = errors << "#{where}#{text}"

      def check_spellings
        { "dependencies" => "depends_on", "type" => "step_type" }.each do |one, other|
          error(": has both '#{one}' and '#{other}'; keep one") if step.raw.key?(one) && step.raw.key?(other)
        end
      end

      def check_dependencies
        names = template.steps.map(&:name)
        step.dependencies.each do |dependency|
          if dependency == step.name then error(" depends on itself")
          elsif !names.include?(dependency) then error(" depends on unknown step '#{dependency}'#{Names.did_you_mean(dependency, names)}")
          end
        end
        error(": a decision needs at least one dependency, or Core refuses the template") if step.decision? && step.dependencies.empty?
      end

      def check_batch
        check_batchable if step.batchable?
        return check_worker(step.batch_config["worker_template"]) if step.batch_config

        error(": a batch_worker needs a 'batch_config' of its own; without it Core creates no workers and the task still ends as complete") if step.batch_worker?
      end

      def check_batchable
        worker = step.initialization["worker_template_name"]
        return if template.find(worker.to_s)&.batch_worker?

        error(": handler.initialization.worker_template_name must name the batch_worker step, not #{worker.inspect}: without it a task whose " \
              "analyzer finds nothing ends as complete and leaves out the steps after the batches")
      end

      def check_worker(name)
        return if !name.is_a?(String) || template.find(name)&.batch_worker?

        error(": batch_config.worker_template '#{name}' is not a batch_worker step#{Names.did_you_mean(name, template.steps.map(&:name))}")
      end
    end
  end
end
