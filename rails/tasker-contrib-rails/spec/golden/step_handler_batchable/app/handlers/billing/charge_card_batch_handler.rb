# frozen_string_literal: true

# Processes the items from batch.start up to, not including, batch.finish.
class Billing::ChargeCardBatchHandler < Tasker::BatchWorker
  def call(context)
    part = context.get_input(:values)[batch.start...batch.finish]
    { items: part.size, total: part.sum }
  end
end
