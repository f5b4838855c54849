# frozen_string_literal: true

require_relative "outcome"
require_relative "templates/branches"

module TaskerContribRails
  # A decision or a batch that Core would refuse: Core only logs that, and the task becomes complete without the steps. Here it is
  # a failed step.
  #
  # @api private
  module OutcomeChecks
    module_function

    # @param outcome [Outcome::Success]
    # @param template [Templates::Template, nil] none is known: only the shape is checked
    # @param step [Templates::Step, nil]
    # @return [Outcome::Success, Outcome::Failure]
    def check(outcome, template, step)
      return outcome unless outcome.is_a?(Outcome::Success) && step

      check_decision(outcome.result["decision_point_outcome"], template, step) if step.decision?
      check_batches(outcome.result["batch_processing_outcome"], template, step) if step.batchable?
      outcome
    rescue Templates::Refused => error
      Outcome::Failure.new(message: error.message, error_type: Contract::ERROR_TYPES[:validation], retryable: false)
    end

    def check_decision(chosen, template, step)
      refuse("decision '#{step.name}' must return route(…) or skip(…), but there is no decision_point_outcome") unless chosen.is_a?(Hash)
      return if chosen["type"] == "no_branches"

      names = chosen["step_names"]
      unless chosen["type"] == "create_steps" && names.is_a?(Array) && names.any? && names.all?(String)
        refuse("decision '#{step.name}' must name at least one step to create")
      end
      Templates::Branches.new(template, step.name).plan(names)
    end
    private_class_method :check_decision

    def check_batches(batches, template, step)
      refuse("batchable '#{step.name}' must return batches(…) or no_batches(…), but there is no batch_processing_outcome") unless batches.is_a?(Hash)
      return check_placeholder(template, step) if batches["type"] == "no_batches"

      cursors = batches["cursor_configs"]
      unless batches["type"] == "create_batches" && cursors.is_a?(Array) && cursors.any? && cursors.all? { |cursor| cursor.is_a?(Hash) && cursor["batch_id"].present? }
        refuse("batchable '#{step.name}' must give a range with a batch_id for each batch")
      end
      worker = template.find(batches["worker_template_name"].to_s)
      refuse("step '#{step.name}' asks for batch worker '#{batches["worker_template_name"]}', but the template has no step of that name with type batch_worker") unless worker&.batch_worker?
      refuse("batch worker '#{worker.name}' has no batch_config in the template") unless worker.batch_config
    end
    private_class_method :check_batches

    def check_placeholder(template, step)
      worker = step.initialization["worker_template_name"]
      return if template.find(worker.to_s)&.batch_worker?

      refuse("step '#{step.name}' found nothing to do and its handler.initialization has no worker_template_name; Core needs it to create the placeholder")
    end
    private_class_method :check_placeholder

    def refuse(text) = raise(Templates::Refused, text)
    private_class_method :refuse
  end
end
