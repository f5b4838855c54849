# frozen_string_literal: true

require "test_helper"
require "tasker_contrib_rails/minitest"

class Billing::ChargeCardHandlerTest < ActiveSupport::TestCase
  include TaskerContribRails::MinitestHelpers

  TEMPLATE = {
    name: "decision", namespace_name: "test", version: "1.0.0", steps: [
      { name: "measure", handler: { callable: "measure" } },
      { name: "decide", type: "decision", dependencies: [ "measure" ], handler: { callable: "Billing::ChargeCardHandler", initialization: { threshold: 0.7 } } },
      { name: "accept", dependencies: [ "decide" ], handler: { callable: "finish" } },
      { name: "reject", dependencies: [ "decide" ], handler: { callable: "finish" } }
    ]
  }.freeze

  test "creates one branch" do
    { 0.7 => "accept", 0.6 => "reject" }.each do |score, taken|
      run = run_workflow(TEMPLATE, { score: score }, handlers: { "measure" => ->(_) { {} }, "finish" => ->(_) { {} } })
      assert_workflow_completes run
      assert_equal [ "measure", "decide", taken ], run.order
    end
  end
end
