# frozen_string_literal: true

RSpec.describe "Stopping a worker", :worker do
  before do
    template(steps: [ { "name" => "step", "handler" => { "callable" => "Echo" } } ])
    handler("Echo") { |context| { "got" => context.get_input(:n) } }
  end

  it "lets steps that run and steps that wait come to their end" do
    gate = Thread::Queue.new
    handler("Slow") { |_| gate.pop }
    template(steps: [ { "name" => "step", "handler" => { "callable" => "Slow" } } ])
    start(worker__concurrency: 1)
    2.times { native.deliver(callable: "Slow") }
    eventually { native.pending == 2 }
    stopping = Thread.new { runtime.stop }
    eventually { runtime.state == :draining }
    2.times { |number| gate << { "n" => number } }
    expect(stopping.value).to be_clean
    expect(native.completions.map { |payload| payload["success"] }).to eq([ true, true ])
    expect(runtime.state).to eq(:stopped)
  end

  it "names what it cut, and hands everything back as retryable with a delay" do
    gate = Thread::Queue.new
    handler("Slow") { |_| gate.pop }
    template(steps: [ { "name" => "step", "handler" => { "callable" => "Slow" } } ])
    start(worker__concurrency: 1)
    native.deliver(callable: "Slow", step: "first")
    eventually { runtime.dispatcher.running.any? }
    2.times { native.deliver(callable: "Slow", step: "later") }
    eventually { native.pending == 2 }
    seen = events { expect(runtime.stop(timeout: 0.05)).to have_attributes(cut: [ include(step: "first") ], returned: 2, clean?: false) }
    expect(native.completions.map { |payload| [ payload["success"], payload.dig("error", "retryable"), payload.dig("orchestration_metadata", "headers", "retry-after") ] })
      .to eq([ [ false, true, "2" ] ] * 3)
    expect(seen.map(&:name)).to include("worker_draining.tasker", "worker_stopped.tasker")
    gate << {}
  end

  it "stops nothing twice, and nothing that was not started" do
    expect(runtime.stop).to be_nil
    start
    runtime.stop
    expect(runtime.stop).to be_nil
  end
end
