# frozen_string_literal: true

RSpec.describe "Events", :worker do
  it "have the contract's keys, as symbols, and a duration" do
    handler("H") { |context| context.get_input(:fail) ? raise("boom") : sleep(0.01) && {} }
    steps([ "step", "H" ])
    seen = events do
      start
      answer(callable: "H")
      answer(callable: "H", context: { fail: true })
      runtime.stop
    end.group_by(&:name).transform_values(&:first)
    contract = TaskerContribRails::Contract
    %i[step_started step_completed step_failed worker_started worker_draining worker_stopped].each do |key|
      payload = seen.fetch(contract::EVENTS[key]).payload
      expect(payload.keys).to match_array(TaskerContribRails::Events::COMMON + contract::EVENT_DATA[key]), key.to_s
    end
    expect(seen["step_completed.tasker"].duration).to be >= 10
    expect(seen["step_failed.tasker"].payload).to include(attempt: 1, handler: "H", message: "RuntimeError: boom", retryable: true, retry_after: 1)
  end

  it "go on when a subscriber raises" do
    subscriber = ActiveSupport::Notifications.subscribe(/\.tasker\z/) { |_event| raise "no" }
    expect(run { |_| { "fine" => true } }["result"]).to eq("fine" => true)
    expect(log.string).to match(/a subscriber of step_completed.tasker failed: RuntimeError: no/)
  ensure
    ActiveSupport::Notifications.unsubscribe(subscriber)
  end

  it "have the older names, too, if asked, and only then" do
    expect(events(/\Atasker\./) { TaskerContribRails::Events.publish(:step_completed) }).to be_empty
    seen = events(/\Atasker\./) { run(start_with: { legacy_events: true }) { |_| {} } && runtime.stop }
    expect(seen.map(&:name)).to eq(%w[tasker.worker_started tasker.step_execution_started tasker.step_execution_completed tasker.worker_stopped])
    expect(seen.last(2).first.payload).to include(handler: "H", step: "step")
  ensure
    TaskerContribRails::Events.legacy = false
  end

  it "go to the reporter of structured events, which Rails has from 8.1 on" do
    reported = []
    reporter = Object.new
    reporter.define_singleton_method(:notify) { |name, **payload| reported << [ name, payload ] }
    stub_const("Rails", Module.new { define_singleton_method(:event) { reporter } })
    run { |_| {} }
    expect(reported.map(&:first)).to include("tasker.worker_started", "tasker.step_started", "tasker.step_completed")
    expect(reported.to_h["tasker.step_completed"]).to include(step: "step", handler: "H", duration_ms: a_kind_of(Numeric))
  end

  it "go on when that reporter raises" do
    reporter = Object.new
    reporter.define_singleton_method(:notify) { |*, **| raise "full" }
    stub_const("Rails", Module.new { define_singleton_method(:event) { reporter } })
    expect(run { |_| { "fine" => true } }["result"]).to eq("fine" => true)
    expect(log.string).to match(/a subscriber of step_completed failed: RuntimeError: full/)
  end

  it "are one line each in the app's log" do
    run { |_| raise "boom" }
    runtime.stop
    expect(log.string).to match(/failed step \(H\) task=\S+ step=\S+ after [\d.]+ ms, again in 1 s: handler_error: RuntimeError: boom/)
      .and match(/worker worker-1 runs steps of shop/).and match(/worker claims no more steps; 0 in flight get 30.0 s/).and match(/worker stopped$/)
  end

  it "come inside of the app's reloader, also those of Core's and the timer's threads" do
    inside = Thread::Queue.new
    reloader = Object.new
    reloader.define_singleton_method(:wrap) { |&block| Thread.current[:wrapped] = true and block.call.tap { Thread.current[:wrapped] = nil } }
    stub_const("Rails", Module.new { define_singleton_method(:application) { Struct.new(:reloader).new(reloader) } })
    handler("H") { |_| sleep(0.01) while TaskerCore::Native.completions.empty? }
    template(steps: [ { "name" => "step", "handler" => { "callable" => "H" }, "timeout_seconds" => 1 } ])
    subscriber = ActiveSupport::Notifications.subscribe(/\A(domain_event|step_timed_out)\.tasker\z/) { |event| inside << [ event.name, Thread.current[:wrapped] ] }
    start
    native.publish("event_name" => "order.paid", "event_version" => "1.0", "business_payload" => "{}", "metadata" => {})
    answer(callable: "H", timeout_seconds: 0.05)
    expect([ inside.pop(timeout: 20), inside.pop(timeout: 20) ]).to contain_exactly([ "domain_event.tasker", true ], [ "step_timed_out.tasker", true ])
  ensure
    ActiveSupport::Notifications.unsubscribe(subscriber)
  end

  it "log a failure that is tried again as a warning, and the last one as an error" do
    levels = []
    TaskerContribRails.logger = ActiveSupport::TaggedLogging.new(Logger.new(log, formatter: ->(level, _, _, text) { levels << level if text.include?("failed step") }))
    run { |_| raise "boom" }
    answer(callable: "H", attempts: 2, max_attempts: 3)
    eventually { levels.size == 2 }
    expect(levels).to eq(%w[WARN ERROR])
  end

  it "bring domain events without Core's String keys and JSON texts" do
    handler("H") { |_| {} }
    steps([ "step", "H" ])
    seen = Thread::Queue.new
    subscriber = ActiveSupport::Notifications.subscribe("domain_event.tasker") { |event| seen << event }
    start
    native.publish("event_name" => "order.paid", "event_version" => "1.0", "business_payload" => '{"cents":5}',
      "metadata" => { "task_uuid" => "t", "step_uuid" => "s", "step_name" => "pay", "namespace" => "shop" })
    event = seen.pop(timeout: 20)
    expect(event.payload).to include(event_name: "order.paid", event_version: "1.0", payload: { cents: 5 }, task_uuid: "t", step: "pay")
  ensure
    ActiveSupport::Notifications.unsubscribe(subscriber)
  end
end
