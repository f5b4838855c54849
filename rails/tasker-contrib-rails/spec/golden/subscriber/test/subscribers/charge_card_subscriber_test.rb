# frozen_string_literal: true

require "test_helper"

class ChargeCardSubscriberTest < ActiveSupport::TestCase
  setup do
    @log = StringIO.new
    @logger = Rails.logger
    Rails.logger = Logger.new(@log)
    ChargeCardSubscriber.attach_to :tasker
  end

  teardown do
    ChargeCardSubscriber.detach_from :tasker
    Rails.logger = @logger
  end

  test "says how long a step took and why one failed" do
    ActiveSupport::Notifications.instrument("step_completed.tasker", step: "charge", duration_ms: 7)
    ActiveSupport::Notifications.instrument("step_failed.tasker", step: "charge", task_uuid: "t-1", message: "declined")
    assert_includes @log.string, "charge took 7 ms"
    assert_includes @log.string, "charge of task t-1: declined"
  end
end
