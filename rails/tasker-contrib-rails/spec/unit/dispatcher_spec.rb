# frozen_string_literal: true

# Steps as Core delivers them, through the double.
RSpec.describe TaskerContribRails::Worker::Dispatcher, :worker do
  it "gives a handler the step's UUID as its idempotency key" do
    stub_const("H", Class.new(TaskerContribRails::StepHandler) { def call(_context) = { key: idempotency_key } })
    steps([ "step", "H" ])
    start
    payload = answer(callable: "H")
    expect(payload.dig("result", "key")).to eq(payload["step_uuid"])
    expect { H.new.call(nil) }.to raise_error(TaskerContribRails::Error, /call the handler with run_step/)
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

    it "does not call a failure retryable that the template forbids to retry: Core would never try it again" do
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
      message, options = seen.pop(timeout: 20)
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

    it "does not take a step for hung that was answered and is just being put away" do
      go = Thread::Queue.new
      wrap = Object.new
      wrap.define_singleton_method(:wrap) { |&block| block.call.tap { go.pop } }
      stub_const("Rails", Module.new { define_singleton_method(:application) { Struct.new(:reloader).new(wrap) } })
      run { |_| {} }
      expect([ runtime.dispatcher.running.map(&:answered?), runtime.dispatcher.hung ]).to eq([ [ true ], [] ])
    ensure
      go << true
    end

    it "does not measure how long a step waited for a thread" do
      go = Thread::Queue.new
      handler("H") { |context| context.get_input(:wait) ? go.pop : {} }
      steps([ "step", "H" ])
      start(worker__concurrency: 1)
      first, second = native.deliver(callable: "H", context: { wait: true }), native.deliver(callable: "H")
      eventually { runtime.dispatcher.running.any? }
      waited = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 0.2
      eventually { Process.clock_gettime(Process::CLOCK_MONOTONIC) > waited }
      go << { "done" => true }
      times = eventually { native.completions.size == 2 && native.completions.to_h { |payload| [ payload["event_id"], payload.dig("metadata", "execution_time_ms") ] } }
      expect(times).to match(first => be >= 190, second => be < 190)
    end

    it "sends bytes that are text as text, and keeps a retryable failure with other bytes in its message retryable" do
      values = [ { body: "é".b }, { body: "é".encode("ISO-8859-1"), "é".b => 1 } ]
      handler("H") { |context| context.get_input(:n) ? values[context.get_input(:n)] : raise("unexpected token at '\xFF\xE9'".b) }
      steps([ "step", "H" ])
      start
      results = [ 0, 1 ].map { |n| answer(callable: "H", context: { n: })["result"] }
      expect(results).to eq([ { "body" => "é" }, { "body" => "é", "é" => 1 } ])
      expect(results.flat_map { |result| result.flatten.grep(String).map(&:encoding) }).to all(eq(Encoding::UTF_8))
      error = answer(callable: "H")["error"]
      expect(error).to include("retryable" => true, "message" => "RuntimeError: unexpected token at '\u{FFFD}\u{FFFD}'")
      expect(error["message"].encoding).to eq(Encoding::UTF_8)
    end

    it "answers a step all the same when Core refuses its result" do
      handler("H") { |_| { "fine" => true } }
      steps([ "step", "H" ])
      start
      bridge = TaskerCore::Worker::EventBridge.instance
      allow(bridge).to receive(:publish_step_completion).and_wrap_original do |original, payload|
        raise ArgumentError, "no such type" if payload[:success]

        original.call(payload)
      end
      expect(answer(callable: "H")["error"]).to include("message" => "Core refused the result: ArgumentError: no such type", "retryable" => false)
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
end
