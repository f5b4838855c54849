# frozen_string_literal: true

RSpec.describe Billing::ChargeCardHandler, type: :step_handler do
  let(:template) do
    {
      name: "decision", namespace_name: "test", version: "1.0.0", steps: [
        { name: "measure", handler: { callable: "measure" } },
        { name: "decide", type: "decision", dependencies: [ "measure" ], handler: { callable: "Billing::ChargeCardHandler", initialization: { threshold: 0.7 } } },
        { name: "accept", dependencies: [ "decide" ], handler: { callable: "finish" } },
        { name: "reject", dependencies: [ "decide" ], handler: { callable: "finish" } }
      ]
    }
  end

  def decide(score) = run_workflow(template, { score: score }, handlers: { "measure" => ->(_) { {} }, "finish" => ->(_) { {} } })

  it "creates one branch" do
    expect(decide(0.7)).to have_run_step(:accept).after(:decide)
    expect(decide(0.6)).to have_run_step(:reject)
    expect(decide(0.6)).not_to have_run_step(:accept)
  end

  it "fails for good without a score" do
    expect(run_step(described_class)).to fail_permanently_with(/score/)
  end
end
