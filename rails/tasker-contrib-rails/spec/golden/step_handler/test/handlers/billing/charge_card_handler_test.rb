# frozen_string_literal: true

require "test_helper"
require "tasker_contrib_rails/minitest"

class Billing::ChargeCardHandlerTest < ActiveSupport::TestCase
  include TaskerContribRails::MinitestHelpers

  test "completes" do
    assert_step_succeeds run_step(Billing::ChargeCardHandler, context: { reference: "A-1" }), "reference" => "A-1", "done" => true
  end

  test "fails for good without a reference" do
    assert_step_fails_permanently run_step(Billing::ChargeCardHandler), /reference/
  end
end
