# frozen_string_literal: true

require "test_helper"
require "tasker_contrib_rails/minitest"

class Billing::ChargeCardHandlerTest < ActiveSupport::TestCase
  include TaskerContribRails::MinitestHelpers

  TEMPLATE = {
    name: "batch", namespace_name: "test", version: "1.0.0", steps: [
      { name: "charge_card", type: "batchable",
        handler: { callable: "Billing::ChargeCardHandler", initialization: { batch_size: 2, worker_template_name: "charge_card_batch" } } },
      { name: "charge_card_batch", type: "batch_worker", dependencies: [ "charge_card" ], handler: { callable: "Billing::ChargeCardBatchHandler" },
        batch_config: { batch_size: 2, parallelism: 4, cursor_field: "position", worker_template: "charge_card_batch",
                        failure_strategy: "continue_on_failure" } },
      { name: "charge_card_total", type: "deferred_convergence", dependencies: [ "charge_card", "charge_card_batch" ],
        handler: { callable: "Billing::ChargeCardTotalHandler", initialization: { worker: "charge_card_batch" } } }
    ]
  }.freeze

  test "adds up all batches" do
    run = run_workflow(TEMPLATE, { values: [ 1, 2, 3, 4, 5 ] })
    assert_workflow_completes run
    assert_equal({ "items" => 5, "total" => 15 }, run["charge_card_total"].result)
  end
end
