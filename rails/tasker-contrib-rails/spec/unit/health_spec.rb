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

    it "are named as in the contract" do
      names = File.read(File.expand_path("../../../../xtask/contract/metrics.toml", __dir__)).scan(/^name = "(\w+)"$/).flatten
      expect(names).to include(*TaskerContribRails::Metrics::WORKER.keys, *TaskerContribRails::Outbox::Metrics::NAMES.keys)
    end
  end

  it "fails when the worker could not start" do
    native.boot_error = RuntimeError.new("no database")
    expect { start }.to raise_error(TaskerContribRails::WorkerError)
    expect(ready).to match([ 503, "not_ready", include("worker" => "failed", "templates" => "failed") ])
  end
end
