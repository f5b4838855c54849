# frozen_string_literal: true

RSpec.describe "Steps at the same time", :worker do
  it "runs as many handlers as asked, and no more; Core runs one" do
    gate = Thread::Queue.new
    handler("H") { |_| gate.pop }
    steps([ "step", "H" ])
    start(worker__concurrency: 2)
    4.times { native.deliver(callable: "H") }
    eventually { runtime.dispatcher.running.size == 2 }
    4.times { gate << {} }
    eventually { native.completions.size == 4 }
  end

  it "answers a handler that exceeds its time, once, and knows that it hangs" do
    gate = Thread::Queue.new
    handler("H") { |_| gate.pop }
    steps([ "step", "H" ])
    start
    payload = nil
    seen = events { payload = answer(callable: "H", timeout_seconds: 0.05) }
    expect(payload["error"]).to include("error_type" => "timeout", "retryable" => true, "message" => /timeout_seconds: 0.05/)
    expect(seen.find { |event| event.name == "step_timed_out.tasker" }.payload).to include(hung: true, timeout_seconds: 0.05)
    expect(runtime.dispatcher.hung.size).to eq(1)
    gate << {}
    eventually { runtime.dispatcher.running.empty? }
    expect(native.completions.size).to eq(1)
  end
end
