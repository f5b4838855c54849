# frozen_string_literal: true

require "action_controller"

RSpec.describe TaskerContribRails::Client do
  task = { "task_uuid" => "0198a0b0-0000-7000-8000-000000000001", "name" => "ship", "namespace" => "shop", "version" => "1.0.0",
           "status" => "pending", "context" => { "order" => 1 } }

  def serve(&answer)
    @server = HttpServer.new(&answer)
  end

  def client(**) = described_class.new(@server.url, **)

  after { @server&.close }

  it "reuses connections and sends credentials" do
    serve { [ 200, {}, task ] }
    tasks = client(token: "t0ken")
    2.times { tasks.get_task(task["task_uuid"]) }
    seen = @server.seen
    expect(seen.map(&:connection)).to eq([ 1, 1 ])
    expect(seen.map { |request| request.headers["authorization"] }).to all(eq("Bearer t0ken"))
  end

  it "gives no caller what another one waited for when it was interrupted" do
    other = task.merge("task_uuid" => "0198a0b0-0000-7000-8000-000000000002")
    go = Thread::Queue.new
    serve do |request|
      next [ 200, {}, other ] if request.path.end_with?("2")

      go.pop
      [ 200, {}, task ]
    end
    tasks = client(max_concurrency: 1)
    expect { Timeout.timeout(0.1) { tasks.get_task(task["task_uuid"]) } }.to raise_error(Timeout::Error)
    go << true
    expect(tasks.get_task(other["task_uuid"]).task_uuid).to eq(other["task_uuid"])
  end

  it "counts its calls by operation and outcome" do
    stub_const("TaskerContribRails::Metrics::CLIENT_REQUESTS", TaskerContribRails::Metrics::Counter.new(:client_requests))
    serve { |request| request.verb == "PATCH" ? [ 404, {}, { "error" => { "code" => "NOT_FOUND", "message" => "no" } } ] : [ 200, {}, task ] }
    tasks = client
    2.times { tasks.get_task(task["task_uuid"]) }
    expect { tasks.retry_step(task["task_uuid"], task["task_uuid"], reason: "again") }.to raise_error(TaskerContribRails::NotFoundError)
    expect(TaskerContribRails::Metrics::CLIENT_REQUESTS.text.lines.grep_v(/^#/)).to eq([
      "tasker_contrib_client_requests_total{operation=\"get_task\",outcome=\"ok\"} 2\n",
      "tasker_contrib_client_requests_total{operation=\"retry_step\",outcome=\"NotFoundError\"} 1\n"
    ])
  end

  it "takes an address of IPv6" do
    http = described_class::Connection.new("http://[::1]:8080").send(:open_later)
    expect([ http.address, http.port ]).to eq([ "::1", 8080 ])
  end

  it "sends an API key under the header that is asked for" do
    serve { [ 200, {}, task ] }
    client(api_key: "k", api_key_header: "X-Key").get_task(task["task_uuid"])
    expect(@server.seen.first.headers).to include("x-key" => "k")
  end

  it "says that a repetition after a lost answer created the task" do
    calls = 0
    serve do |request|
      next [ 200, {}, { "tasks" => [ task.merge("status" => "pending") ], "pagination" => {} } ] if request.path.start_with?("/v1/tasks?")
      next [ 200, {}, task ] if request.verb == "GET"

      (calls += 1) == 1 ? :hang_up : [ 409, {}, { "error" => { "code" => "CONFLICT", "message" => "exists" } } ]
    end
    created = client.create_task("ship", { order: 1 }, namespace: "shop")
    expect(created.task_uuid).to eq(task["task_uuid"])
    expect(calls).to eq(2)
  end

  it "raises a conflict that nobody's repetition caused" do
    serve { [ 409, {}, { "error" => { "code" => "CONFLICT", "message" => "exists" } } ] }
    expect { client.create_task("ship") }.to raise_error(TaskerContribRails::ConflictError, /exists \(HTTP 409\)/)
    expect(@server.seen.size).to eq(1)
  end

  it "repeats after what an overloaded server says, and gives up when that is long" do
    answers = [ [ 503, { "Retry-After" => "1" }, { "error" => { "code" => "BACKPRESSURE", "message" => "busy" } } ], [ 200, {}, task ] ]
    serve { answers.shift || [ 503, { "Retry-After" => "60" }, "later" ] }
    waits = []
    tasks = client(pause: ->(seconds) { waits << seconds })
    expect(tasks.get_task(task["task_uuid"]).name).to eq("ship")
    expect(waits).to eq([ 1.0 ])
    expect { tasks.get_task(task["task_uuid"]) }.to raise_error(TaskerContribRails::BackpressureError) { |error| expect(error.retry_after).to eq(60.0) }
    expect(waits).to eq([ 1.0 ])
  end

  it "repeats at most as often as asked when the server is away, with growing pauses" do
    serve { :hang_up }
    waits = []
    expect { client(max_retries: 2, pause: ->(seconds) { waits << seconds }).get_task(task["task_uuid"]) }
      .to raise_error(TaskerContribRails::UnavailableError, /cannot be reached.*TASKER_ORCHESTRATION_URL/)
    expect(waits).to match([ be_between(0.15, 0.25), be_between(0.3, 0.5) ])
    expect(@server.seen.size).to eq(3)
  end

  it "types every answer" do
    status = nil
    serve { [ status, {}, { "error" => { "code" => "X", "message" => "no" } } ] }
    tasks = client(max_retries: 0)
    { 400 => :InvalidRequestError, 401 => :PermissionError, 403 => :PermissionError, 404 => :NotFoundError, 408 => :ServerError,
      422 => :InvalidRequestError, 500 => :ServerError, 502 => :UnavailableError, 503 => :BackpressureError }.each do |code, name|
      status = code
      expect { tasks.get_task(task["task_uuid"]) }
        .to raise_error(TaskerContribRails.const_get(name)) { |error| expect([ error.status, error.code ]).to eq([ code, "X" ]) }
    end
  end

  it "says so when something else than a Tasker server answers" do
    serve { [ 200, {}, "<html>" ] }
    expect { client.get_task(task["task_uuid"]) }.to raise_error(TaskerContribRails::ServerError, /is it a Tasker server/)
  end

  it "lets no more calls through than max_concurrency" do
    inside = 0
    most = 0
    lock = Mutex.new
    gate = Thread::Queue.new
    serve do
      lock.synchronize { most = [ most, inside += 1 ].max }
      gate.pop
      lock.synchronize { inside -= 1 }
      [ 200, {}, task ]
    end
    tasks = client(max_concurrency: 2)
    threads = Array.new(4) { Thread.new { tasks.get_task(task["task_uuid"]) } }
    4.times { gate << true }
    threads.each(&:join)
    expect(most).to be <= 2
  end

  it "times out" do
    serve { Thread.stop }
    expect { client(timeout: 0.05, max_retries: 0).get_task(task["task_uuid"]) }.to raise_error(TaskerContribRails::UnavailableError, /Timeout/)
  end

  it "sends permitted parameters and values that JSON lacks as JSON has them" do
    serve { [ 200, {}, task ] }
    client.create_task("ship", ActionController::Parameters.new(at: Time.utc(2026, 1, 2), price: BigDecimal("1.50")).permit(:at, :price))
    expect(JSON.parse(@server.seen.first.body)["context"]).to eq("at" => "2026-01-02T00:00:00.000Z", "price" => "1.5")
  end

  it "reads Retry-After as seconds and as a date" do
    now = Time.utc(2026, 1, 1)
    parse = ->(text) { TaskerContribRails::RetryAfter.parse(text, now:) }
    expect([ "3", "1.5", (now + 90).httpdate, (now - 5).httpdate, "soon", nil ].map(&parse)).to eq([ 3.0, 1.5, 90.0, 0.0, nil, nil ])
  end
end
