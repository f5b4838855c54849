# frozen_string_literal: true

RSpec.describe TaskerContribRails::Health, :worker do
  # The worker of the process is that of the example, and the server is there or is not.
  before do
    allow(TaskerContribRails).to receive(:runtime).and_return(runtime)
    allow(TaskerContribRails::App).to receive_messages(settings: settings, client: instance_double(TaskerContribRails::Client, healthy?: true))
    handler("Echo") { |_| {} }
    steps([ "step", "Echo" ])
  end

  def get(path, verb: "GET")
    status, headers, body = described_class.call("REQUEST_METHOD" => verb, "PATH_INFO" => path)
    expect(headers).to include("content-type" => "application/json", "cache-control" => "no-store")
    [ status, JSON.parse(body.join) ]
  end

  def ready
    status, body = get("/ready")
    expect(body.keys).to eq(%w[status components])
    expect(body["components"].map(&:keys)).to all(eq(%w[name status detail]))
    expect(body["components"].map { |part| part["name"] }).to eq(TaskerContribRails::Contract::HEALTH_COMPONENTS.values)
    [ status, body["status"], body["components"].to_h { |part| part.values_at("name", "status") } ]
  end

  it "is alive whatever happens" do
    expect(get("/live")).to eq([ 200, { "status" => "alive" } ])
    expect(get("/live", verb: "HEAD").first).to eq(200)
  end

  it "knows two paths and two verbs" do
    expect([ get("/other").first, get("/ready", verb: "POST").first ]).to eq([ 404, 405 ])
  end

  it "asks only for the server in a process that creates tasks" do
    expect(ready).to match([ 200, "ready", include("worker" => "off", "database" => "off", "dispatcher" => "off", "templates" => "off", "orchestration" => "ok") ])
    allow(TaskerContribRails::App.client).to receive(:healthy?).and_return(false)
    expect(ready).to match([ 503, "not_ready", include("orchestration" => "failed", "worker" => "off") ])
  end

  it "asks for everything in a worker, and fails from the start of a drain" do
    start
    expect(ready).to match([ 200, "ready", { "worker" => "ok", "database" => "ok", "orchestration" => "ok", "dispatcher" => "ok", "templates" => "ok" } ])
    seen = nil
    subscriber = ActiveSupport::Notifications.subscribe("worker_draining.tasker") { seen = ready }
    runtime.stop
    expect(seen).to match([ 503, "not_ready", include("worker" => "failed") ])
    expect(ready.first).to eq(503)
  ensure
    ActiveSupport::Notifications.unsubscribe(subscriber)
  end

  it "shows no address; the log has it" do
    start
    allow(TaskerContribRails::App.client).to receive(:healthy?).and_return(false)
    text = get("/ready").last.to_json
    expect(text).to include("does not answer").and not_include("http").and not_include("127.0.0.1")
    expect(log.string).to match(%r{not ready: http://\S+ does not answer})
  end

  it "fails while a handler hangs, and names it" do
    gate = Thread::Queue.new
    handler("Echo") { |_| gate.pop }
    start
    answer(callable: "Echo", timeout_seconds: 0.05)
    expect(ready).to match([ 503, "not_ready", include("dispatcher" => "failed", "worker" => "ok") ])
    expect(get("/ready").last["components"].map { |part| part["detail"] }).to include("hung: Echo")
    gate << {}
    eventually { runtime.dispatcher.running.empty? }
    expect(ready.first).to eq(200)
  end

  describe "metrics" do
    def metrics
      _, headers, body = described_class.call("REQUEST_METHOD" => "GET", "PATH_INFO" => "/metrics")
      expect(headers["content-type"]).to eq("text/plain; version=0.0.4")
      body.join.scan(/^tasker_contrib_(\w+) (\S+)$/).to_h
    end

    before { allow(TaskerContribRails::Outbox).to receive(:table?).and_return(false) }

    it "has none in a process without a worker and an outbox" do
      expect(get("/metrics").first).to eq(404)
    end

    it "tells capacity, steps in flight, hung handlers and the drain" do
      gate = Thread::Queue.new
      handler("Echo") { |_| gate.pop }
      start
      idle = { "handlers_in_flight" => "0", "handlers_capacity" => settings["worker.concurrency"].to_s, "handlers_hung" => "0", "worker_draining" => "0" }
      expect(metrics).to eq(idle)
      answer(callable: "Echo", timeout_seconds: 0.05)
      expect(metrics).to eq(idle.merge("handlers_in_flight" => "1", "handlers_hung" => "1"))
      gate << {}
      eventually { runtime.dispatcher.running.empty? }
      seen = nil
      subscriber = ActiveSupport::Notifications.subscribe("worker_draining.tasker") { seen = metrics }
      runtime.stop
      expect(seen).to eq(idle.merge("worker_draining" => "1"))
      expect(metrics).to eq(idle.merge("handlers_capacity" => "0", "worker_draining" => "1"))
    ensure
      ActiveSupport::Notifications.unsubscribe(subscriber)
    end

    it "keeps those of the worker when the outbox cannot be read" do
      start
      allow(TaskerContribRails::Outbox).to receive(:table?).and_raise(ActiveRecord::ConnectionNotEstablished, "gone")
      expect(metrics).to include("worker_draining" => "0")
      expect(log.string).to include("no metrics of the outbox: ActiveRecord::ConnectionNotEstablished: gone")
    end

    # The samples of a metric whose lines have labels.
    def samples(name)
      text = described_class.call("REQUEST_METHOD" => "GET", "PATH_INFO" => "/metrics").last.join
      text.scan(/^tasker_contrib_#{name}\{(.*)\} (\S+)$/).to_h
    end

    def happened = samples("handler_executions_total").reject { |_, count| count == "0" }

    it "shows every outcome of a template's handlers at 0 before anything happened, so that the first one is an increase" do
      start
      outcomes = %w[completed failed retryable timed_out checkpointed cut]
      expect(samples("handler_executions_total")).to eq(outcomes.to_h { |outcome| [ %(handler="Echo",outcome="#{outcome}"), "0" ] })
    end

    it "counts and times what each handler did, by outcome" do
      gate = Thread::Queue.new
      handler("Echo") do |context|
        case context.get_input(:what)
        when "fail" then raise TaskerContribRails::PermanentError, "no"
        when "retry" then raise TaskerContribRails::RetryableError, "busy"
        when "hang" then gate.pop
        end
        {}
      end
      start
      %w[succeed succeed fail retry].each { |what| answer(callable: "Echo", context: { what: }) }
      answer(callable: "Echo", context: { what: "hang" }, timeout_seconds: 0.05)
      answer(callable: "No\n\"such\" \\one")
      eventually { samples("handler_executions_total").values.sum(&:to_i) == 6 }
      gate << {}
      eventually { runtime.dispatcher.running.empty? }
      expect(happened).to eq(
        'handler="Echo",outcome="completed"' => "2", 'handler="Echo",outcome="failed"' => "1", 'handler="Echo",outcome="retryable"' => "1",
        'handler="Echo",outcome="timed_out"' => "1", 'handler="No\n\"such\" \\\\one",outcome="failed"' => "1"
      )
      buckets = samples("handler_duration_seconds_bucket").select { |labels, _| labels.include?("Echo") }.values.map(&:to_i)
      expect(buckets).to eq(buckets.sort)
      # The one that hung took longer than 0.025 seconds, and none took longer than 300.
      expect([ buckets[2], *buckets.last(2) ]).to match([ be < 5, 5, 5 ])
      expect(samples("handler_duration_seconds_count")['handler="Echo"']).to eq("5")
      expect(samples("handler_duration_seconds_sum")['handler="Echo"'].to_f).to be >= 0.05
    end

    it "counts a step that the stop cut, and none that had not begun" do
      gate = Thread::Queue.new
      handler("Echo") { |_| gate.pop }
      start(worker__concurrency: 1)
      2.times { native.deliver(callable: "Echo") }
      eventually { native.pending == 2 && runtime.dispatcher.running.any?(&:begun?) }
      expect(runtime.stop(timeout: 0.05)).to have_attributes(cut: [ anything ], returned: 1)
      expect(happened).to eq('handler="Echo",outcome="cut"' => "1")
      gate << {}
    end
  end

  it "fails when the worker could not start" do
    native.boot_error = RuntimeError.new("no database")
    expect { start }.to raise_error(TaskerContribRails::WorkerError)
    expect(ready).to match([ 503, "not_ready", include("worker" => "failed", "templates" => "failed") ])
  end
end
