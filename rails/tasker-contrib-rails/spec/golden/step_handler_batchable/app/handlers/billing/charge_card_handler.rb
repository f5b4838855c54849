# frozen_string_literal: true

# Says how much there is to do; Core makes one worker step for each range. Steps of a task template that use it:
#
#   - name: charge_card
#     type: batchable
#     handler:
#       callable: Billing::ChargeCardHandler
#       initialization: {batch_size: 100, worker_template_name: charge_card_batch}
#   - name: charge_card_batch
#     type: batch_worker
#     dependencies: [charge_card]
#     handler: {callable: Billing::ChargeCardBatchHandler}
#     batch_config:
#       batch_size: 100
#       parallelism: 4
#       cursor_field: position
#       worker_template: charge_card_batch
#       failure_strategy: continue_on_failure
#   - name: charge_card_total
#     type: deferred_convergence
#     dependencies: [charge_card, charge_card_batch]
#     handler:
#       callable: Billing::ChargeCardTotalHandler
#       initialization: {worker: charge_card_batch}
class Billing::ChargeCardHandler < Tasker::BatchAnalyzer
  def call(context)
    batches(total_items: context.get_input(:values).size, batch_size: config.fetch(:batch_size, 100), worker: config[:worker_template_name])
  end
end
