# frozen_string_literal: true

# Steps as Core delivers them, through the double.
RSpec.describe TaskerContribRails::Worker::Dispatcher, :worker do
  def steps(*rows) = template(steps: rows.map { |name, callable, more| { "name" => name, "handler" => { "callable" => callable } }.merge(more || {}) })

  def run(callable = "H", start_with: {}, **step, &call)
    handler(callable, &call) if call
    steps([ "step", callable ])
    start(**start_with)
    answer(callable:, **step)
  end

  describe "failures" do
    it "stores the message, which Core drops" do
      payload = run(attempts: 0) { |_| raise TaskerContribRails::PermanentError.new("declined", error_code: "CARD", context: { bank: 7 }) }
      expect(payload).to include("success" => false, "status" => "failed", "metadata" => include("retryable" => false))
      expect(payload["error"]).to include("message" => "declined", "error_type" => "permanent_error", "retryable" => false,
        "context" => { "bank" => 7, "error_code" => "CARD" }, "backtrace" => be_an(Array))
      expect(payload).not_to have_key("orchestration_metadata")
    end

    it "sends the template's back-off, which Core ignores" do
      payload = run(attempts: 1, retry_table: { backoff: "exponential", backoff_base_ms: 1500, max_backoff_ms: 60_000 }) { |_| raise "boom" }
      expect(payload["error"]).to include("message" => "RuntimeError: boom", "error_type" => "handler_error", "retryable" => true)
      expect(payload.dig("orchestration_metadata", "headers")).to eq("retry-after" => "3")
    end

    it "sends what the handler asked for, rounded up" do
      payload = run { |_| raise TaskerContribRails::RetryableError.new("busy", retry_after: 7.2) }
      expect(payload["error"]).to include("error_type" => "retryable_error")
      expect(payload.dig("orchestration_metadata", "headers")).to eq("retry-after" => "8")
    end

    it "sends no delay where there is none, or no other attempt" do
      expect(run(retry_table: { backoff: "none" }) { |_| raise "boom" }).not_to have_key("orchestration_metadata")
      expect(answer(callable: "H", attempts: 2, max_attempts: 3)).not_to have_key("orchestration_metadata")
    end

    it "does not call a failure retryable that the template forbids to retry: Core would wait for ever" do
      payload = run(retry_table: { retryable: false }) { |_| raise "boom" }
      expect([ payload.dig("error", "retryable"), payload.dig("metadata", "retryable") ]).to eq([ false, false ])
    end

    it "fails for good without a handler, and says where it belongs" do
      steps([ "step", "H" ])
      handler("H") { |_| {} }
      start
      expect(answer(callable: "Shop::Missing")["error"]).to include("error_type" => "handler_not_found", "retryable" => false,
        "message" => %r{no handler 'Shop::Missing'.*shop/missing.rb})
      expect(answer(callable: "String")["error"]["message"]).to include("String does not define call(context)")
    end

    it "answers whatever a handler raises" do
      errors = [ NotImplementedError.new("later"), SystemExit.new, SystemStackError.new("deep"), SecurityError.new("no") ]
      handler("H") { |context| raise errors[context.get_input(:n)] }
      steps([ "step", "H" ])
      start
      payloads = errors.each_index.map { |n| answer(callable: "H", context: { n: }) }
      expect(payloads.map { |payload| payload.dig("error", "message").split(":").first }).to eq(%w[NotImplementedError SystemExit SystemStackError SecurityError])
    end

    it "classifies errors of Core in the same way for every style" do
      errors = { "permanent_error" => TaskerCore::Errors::PermanentError.new("p"), "retryable_error" => TaskerCore::Errors::RetryableError.new("r", retry_after: 4),
                 "validation_error" => TaskerCore::Errors::ValidationError.new("v", field: "x") }
      handler("H") { |context| raise errors.values[context.get_input(:n)] }
      steps([ "step", "H" ])
      start
      payloads = (0..2).map { |n| answer(callable: "H", context: { n: }) }
      expect(payloads.map { |payload| payload.dig("error", "error_type") }).to eq(errors.keys)
      expect(payloads[1].dig("orchestration_metadata", "headers", "retry-after")).to eq("4")
    end

    it "tells the error reporter of the app, with the step" do
      seen = Thread::Queue.new
      reporter = Object.new
      reporter.define_singleton_method(:report) { |error, **options| seen << [ error.message, options ] }
      stub_const("Rails", Module.new { define_singleton_method(:error) { reporter } })
      run { |_| raise "boom" }
      message, options = seen.pop(timeout: 2)
      expect(message).to eq("boom")
      expect(options).to include(handled: true, source: "tasker", context: include(handler: "H", attempt: 1, step: "step"))
    end
  end

  describe "results" do
    it "makes values that JSON lacks what JSON has: Core fails the step for good" do
      payload = run { |_| { at: Time.utc(2026), day: Date.new(2026, 1, 2), price: BigDecimal("1.5"), set: Set[1], nan: Float::NAN, sym: :a } }
      expect(payload["result"]).to eq("at" => "2026-01-01T00:00:00.000Z", "day" => "2026-01-02", "price" => "1.5", "set" => [ 1 ], "nan" => nil, "sym" => "a")
    end

    it "keeps nil, false, numbers and lists" do
      values = [ nil, false, 5, [ 1 ] ]
      handler("H") { |context| values[context.get_input(:n)] }
      steps([ "step", "H" ])
      start
      expect(values.each_index.map { |n| answer(callable: "H", context: { n: })["result"] }).to eq([ {}, { "result" => false }, { "result" => 5 }, { "result" => [ 1 ] } ])
    end

    it "names the place of what cannot be stored" do
      values = [ { a: { b: [ 1, 2**70 ] } }, { bytes: "\xff".b } ]
      handler("H") { |context| values[context.get_input(:n)] }
      steps([ "step", "H" ])
      start
      errors = [ 0, 1 ].map { |n| answer(callable: "H", context: { n: })["error"] }
      expect(errors).to match([ include("error_type" => "validation_error", "message" => /result.a.b\[1\] is larger than 64 bits/, "retryable" => false),
                                include("message" => /result.bytes is not valid UTF-8/) ])
    end

    it "measures, which Core does not" do
      payload = run { |_| sleep(0.02) && {} }
      expect(payload["metadata"]).to include("execution_time_ms" => be >= 20, "worker_hostname" => Socket.gethostname, "custom" => include("handler_class" => "H"))
    end
  end

  describe "handlers in Core's own style" do
    it "runs classes, results, and hashes that say whether it worked" do
      stub_const("CoreStyle", Class.new(TaskerCore::StepHandler::Base) do
        def call(context)
          case context.get_input(:n)
          when 0 then success(result: { unit: config["unit"] })
          when 1 then failure(message: "no", error_type: "PermanentError", error_code: "E")
          when 2 then { success: false, message: "later", retryable: true }
          else { plain: true }
          end
        end
      end)
      steps([ "step", "CoreStyle" ])
      start
      payloads = (0..3).map { |n| answer(callable: "CoreStyle", context: { n: }, initialization: { unit: "eur" }) }
      expect(payloads.map { |payload| payload["result"] || payload["error"].values_at("message", "error_type", "retryable") })
        .to eq([ { "unit" => "eur" }, [ "no", "permanent_error", false ], [ "later", "handler_error", true ], { "plain" => true } ])
    end

    it "logs to the app's log, with the ids of the step" do
      stub_const("CoreStyle", Class.new(TaskerCore::StepHandler::Base) { def call(_context) = logger.info("from the handler") && {} })
      steps([ "step", "CoreStyle" ])
      start
      payload = answer(callable: "CoreStyle")
      expect(log.string).to include("[tasker] [task=#{payload["task_uuid"]}] [step=#{payload["step_uuid"]}] from the handler")
    end

    it "sends Core's own log lines there, too" do
      run { |_| {} }
      TaskerCore::Logger.instance.warn("queue is full")
      expect(log.string).to include("tasker-rb: queue is full")
    end
  end

  describe "decisions and batches" do
    before do
      handler("Decide", TaskerContribRails::DecisionHandler) { |context| context.get_input(:skip) ? skip("why") : route(*context.get_input(:to)) }
      handler("Analyze", TaskerContribRails::BatchAnalyzer) { |context| batches(total_items: context.get_input(:items), batch_size: 2, worker: "work") }
      handler("Work", TaskerContribRails::BatchWorker) do |context|
        next checkpoint(cursor: batch.cursor + 1, items_processed: 1) if context.get_input(:pause) && !context.has_checkpoint?

        { range: [ batch.id, batch.start, batch.finish, batch.size ], cursor: batch.cursor }
      end
      handler("End") { |_| {} }
      config = { "batch_size" => 2, "parallelism" => 1, "cursor_field" => "row", "worker_template" => "work", "failure_strategy" => "continue_on_failure" }
      template(steps: [
        { "name" => "start", "handler" => { "callable" => "End" } },
        { "name" => "decide", "type" => "decision", "dependencies" => [ "start" ], "handler" => { "callable" => "Decide" } },
        { "name" => "yes", "dependencies" => [ "decide" ], "handler" => { "callable" => "End" } },
        { "name" => "analyze", "type" => "batchable", "handler" => { "callable" => "Analyze", "initialization" => { "worker_template_name" => "work" } } },
        { "name" => "work", "type" => "batch_worker", "dependencies" => [ "analyze" ], "handler" => { "callable" => "Work" }, "batch_config" => config }
      ])
      start
    end

    it "passes good decisions on" do
      expect(answer(callable: "Decide", step: "decide", context: { to: [ "yes" ] })["result"])
        .to eq("decision_point_outcome" => { "type" => "create_steps", "step_names" => [ "yes" ] })
      expect(answer(callable: "Decide", step: "decide", context: { skip: true })["result"]["decision_point_outcome"]).to eq("type" => "no_branches")
    end

    it "fails a bad one: Core would only log it and complete the task" do
      messages = [ [ "start" ], [ "yess" ], [] ].map { |to| answer(callable: "Decide", step: "decide", context: { to: })["error"] }
      expect(messages.map { |error| error["retryable"] }).to eq([ false ] * 3)
      expect(messages.map { |error| error["message"] }).to match([ /'start' is not downstream of decision 'decide'/, /'yess' is not downstream.*did you mean 'yes'/, /at least one step/ ])
    end

    it "makes ranges, also of zero items, which Core's own analyzer raises on" do
      outcome = answer(callable: "Analyze", step: "analyze", context: { items: 5 })["result"]["batch_processing_outcome"]
      expect(outcome["cursor_configs"].map { |cursor| cursor.values_at("batch_id", "start_cursor", "end_cursor", "batch_size") }).to eq([ [ "001", 0, 2, 2 ], [ "002", 2, 4, 2 ], [ "003", 4, 5, 1 ] ])
      expect(answer(callable: "Analyze", step: "analyze", context: { items: 0 })["result"]["batch_processing_outcome"]).to eq("type" => "no_batches")
    end

    it "gives a worker its range, stores checkpoints, and does not call it for the placeholder" do
      cursor = { batch_id: "002", start_cursor: 2, end_cursor: 4 }
      expect(answer(callable: "Work", step: "work", inputs: { cursor: })["result"]).to eq("range" => [ "002", 2, 4, 2 ], "cursor" => 2)
      expect(answer(callable: "Work", step: "work", inputs: { is_no_op: true, cursor: })["result"]).to include("no_op" => true)
      seen = events do
        native.deliver(callable: "Work", step: "work", context: { pause: true }, inputs: { cursor: })
        eventually { native.completions.size == 3 }
      end
      expect(native.checkpoints).to match([ include("cursor" => 3, "items_processed" => 1) ])
      expect(native.completions.last["result"]["cursor"]).to eq(3)
      expect(seen.map(&:name)).to include("step_checkpointed.tasker")
    end
  end

  describe "at the same time" do
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

  describe "events" do
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

    it "have the older names, too, if asked" do
      seen = events(/\Atasker\./) { run(start_with: { legacy_events: true }) { |_| {} } }
      expect(seen.map(&:name)).to include("tasker.step_execution_completed")
    ensure
      TaskerContribRails::Events.legacy = false
    end

    it "bring domain events without Core's String keys and JSON texts" do
      handler("H") { |_| {} }
      steps([ "step", "H" ])
      seen = Thread::Queue.new
      subscriber = ActiveSupport::Notifications.subscribe("domain_event.tasker") { |event| seen << event }
      start
      native.publish("event_name" => "order.paid", "event_version" => "1.0", "business_payload" => '{"cents":5}',
        "metadata" => { "task_uuid" => "t", "step_uuid" => "s", "step_name" => "pay", "namespace" => "shop" })
      event = seen.pop(timeout: 5)
      expect(event.payload).to include(event_name: "order.paid", event_version: "1.0", payload: { cents: 5 }, task_uuid: "t", step: "pay")
    ensure
      ActiveSupport::Notifications.unsubscribe(subscriber)
    end
  end
end
