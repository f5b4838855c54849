# frozen_string_literal: true

RSpec.describe Billing::ChargeCardHandler, type: :step_handler do
  def answer(status, body = {})
    stubs = Faraday::Adapter::Test::Stubs.new { |stub| stub.get("/items/42") { [ status, { "Content-Type" => "application/json" }, body.to_json ] } }
    Class.new(described_class) { define_method(:connection) { @connection ||= super().tap { |http| http.adapter :test, stubs } } }
  end

  it "keeps what later steps need" do
    expect(run_step(answer(200, id: "42", status: "open", more: 1), context: { id: "42" })).to succeed_with("id" => "42", "status" => "open")
  end

  it "is tried again when the API is busy, and not when it refuses" do
    expect(run_step(answer(503), context: { id: "42" })).to be_retryable
    expect(run_step(answer(404), context: { id: "42" })).to fail_permanently_with(/404/)
  end
end
