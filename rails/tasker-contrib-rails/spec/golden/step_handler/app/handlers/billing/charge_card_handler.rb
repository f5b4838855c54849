# frozen_string_literal: true

# Does the work of one step. A step may run again after a failure, so running it twice must do no harm.
class Billing::ChargeCardHandler < Tasker::StepHandler
  # @return [Hash] stored as the step's result; later steps read it with +context.get_dependency_result+
  def call(context)
    reference = context.get_input(:reference)
    # Trying again cannot help. Every other error is retried as the template says.
    raise Tasker::PermanentError, "the context has no reference" if reference.blank?

    { reference: reference, done: true }
  end
end
