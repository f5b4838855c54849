# frozen_string_literal: true

RSpec.describe Billing::ChargeCardHandler, type: :step_handler do
  template = {
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

  it "adds up all batches" do
    run = run_workflow(template, { values: [ 1, 2, 3, 4, 5 ] })
    expect(run).to have_run_step(:charge_card_total).after(:charge_card_batch_003)
    expect(run["charge_card_total"].result).to eq("items" => 5, "total" => 15)
  end

  it "has nothing to do without items" do
    expect(run_workflow(template, { values: [] })["charge_card_total"].result).to eq("items" => 0, "total" => 0)
  end
end
