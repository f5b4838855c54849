# frozen_string_literal: true

require_relative "../testing"

module TaskerContribRails
  module Testing
    # Finds out, without any handler, whether Core would run a template as it is written: handlers that always succeed, every
    # decision taking all its branches once and each of them alone once, every batch with two parts.
    #
    # @api private
    module Rehearsal
      module_function

      # @param template [Templates::Template]
      # @return [Array<String>] what Core would do differently; nothing for a template that cannot be run at all
      def problems(template)
        return [] if Templates::TemplateChecks.new(template).errors.any?

        raw = template.raw.except("input_schema").merge("steps" => template.steps.map { |step| own_callable(step) })
        choices(template).flat_map { |choice| Workflow.new(raw, {}, handlers: handlers(template, choice), checks: false).run.problems }.uniq
          .map { |problem| "#{template.path}: #{problem}" }
      end

      # nil takes all branches; a name takes that branch wherever it can be taken.
      def choices(template)
        branches = template.steps.select { |step| step.dependencies.any? { |parent| template.step(parent).decision? } }
        [ nil, *branches.map(&:name) ]
      end
      private_class_method :choices

      # Two steps may share a handler; here each has its own.
      def own_callable(step)
        step.raw.merge("handler" => step.handler.except("method").merge("callable" => step.name))
      end
      private_class_method :own_callable

      def handlers(template, choice)
        template.steps.to_h { |step| [ step.name, ->(_context) { result(template, step, choice) } ] }
      end
      private_class_method :handlers

      def result(template, step, choice)
        if step.decision?
          branches = template.steps.select { |other| other.dependencies.include?(step.name) && %w[standard batchable].include?(other.type) }.map(&:name)
          branches &= [ choice ] if choice
          { decision_point_outcome: branches.any? ? { type: "create_steps", step_names: branches } : { type: "no_branches" } }
        elsif step.batchable?
          worker = template.steps.find { |other| other.batch_worker? && other.dependencies.include?(step.name) }
          return { batch_processing_outcome: { type: "no_batches" } } unless worker

          { batch_processing_outcome: { type: "create_batches", worker_template_name: worker.name, cursor_configs: [ { batch_id: "001" }, { batch_id: "002" } ] } }
        else
          {}
        end
      end
      private_class_method :result
    end
  end
end
