# frozen_string_literal: true

RSpec.describe ChargeCardSubscriber do
  let(:log) { StringIO.new }

  before do
    allow(Rails).to receive(:logger).and_return(Logger.new(log))
    described_class.attach_to :tasker
  end

  after { described_class.detach_from :tasker }

  it "says how long a step took" do
    ActiveSupport::Notifications.instrument("step_completed.tasker", step: "charge", duration_ms: 7)
    expect(log.string).to include("charge took 7 ms")
  end

  it "says why a step failed" do
    ActiveSupport::Notifications.instrument("step_failed.tasker", step: "charge", task_uuid: "t-1", message: "declined")
    expect(log.string).to include("charge of task t-1: declined")
  end
end
