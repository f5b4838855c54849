# frozen_string_literal: true

require "test_helper"
require "tasker_contrib_rails/minitest"

class Billing::ChargeCardHandlerTest < ActiveSupport::TestCase
  include TaskerContribRails::MinitestHelpers

  def answer(status, body = {})
    stubs = Faraday::Adapter::Test::Stubs.new { |stub| stub.get("/items/42") { [ status, { "Content-Type" => "application/json" }, body.to_json ] } }
    Class.new(Billing::ChargeCardHandler) { define_method(:connection) { @connection ||= super().tap { |http| http.adapter :test, stubs } } }
  end

  test "keeps what later steps need" do
    assert_step_succeeds run_step(answer(200, id: "42", status: "open", more: 1), context: { id: "42" }), "id" => "42", "status" => "open"
  end

  test "is not tried again when the API refuses" do
    assert_step_fails_permanently run_step(answer(404), context: { id: "42" }), /404/
  end
end
