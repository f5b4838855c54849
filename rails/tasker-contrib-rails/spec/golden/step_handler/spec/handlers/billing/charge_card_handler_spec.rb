# frozen_string_literal: true

RSpec.describe Billing::ChargeCardHandler, type: :step_handler do
  it "completes" do
    expect(run_step(described_class, context: { reference: "A-1" })).to succeed_with("reference" => "A-1", "done" => true)
  end

  it "fails for good without a reference" do
    expect(run_step(described_class)).to fail_permanently_with(/reference/)
  end
end
