# frozen_string_literal: true

# Puts the results of all batches together; without any batch there are none.
class Billing::ChargeCardTotalHandler < Tasker::StepHandler
  def call(context)
    parts = Tasker::BatchResults.of(context, config.fetch(:worker))
    { items: parts.sum { |part| part["items"] }, total: parts.sum { |part| part["total"] } }
  end
end
