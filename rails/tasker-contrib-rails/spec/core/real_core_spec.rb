# frozen_string_literal: true

# The dummy app with the real gem, on a real server. `cargo xtask --core PATH test --lang ruby` runs it.
RSpec.describe "The real tasker-rb", :core, :stack do
  include WorkerHelpers

  before(:all) do
    @stack = Stack.running
    variables = { "RUBYLIB" => RealCore.load_path, "TASKER_DATABASE__URL" => @stack.database_url, "TASKER_ORCHESTRATION_URL" => @stack.orchestration_url, "TASKER_CLIENT" => nil }
    @app = DummyApp.new(gems: RealCore.installed, more: variables)
    RealWorkflows.write(@app)
    @client = TaskerContribRails::Client.new(@stack.orchestration_url)
    # Shared by all examples: a stop takes Core ten seconds.
    @shared = {}
  end

  before { @shared[:worker] ||= worker }
  after(:all) { @app&.close }

  def worker(**more)
    @app.start("bin/tasker", "start", more: more.transform_keys(&:to_s)).tap { |process| wait_for(90) { process.output.include?("tasker runs steps") || raise_if_ended(process) } }
  end

  # @return [DummyApp::Process] that was asked to stop
  def stop(process = @shared.delete(:worker))
    process.signal("TERM")
    yield process if block_given?
    expect(process.wait(60)).to eq(0), process.output
    process
  end

  def raise_if_ended(process)
    return false unless ::Process.wait2(process.pid, ::Process::WNOHANG)

    raise "the worker ended:\n#{process.output}"
  end

  def wait_for(seconds = 60, &) = eventually(seconds, &)
  def create(name, context = {}) = @client.create_task(name, context.merge(nonce: SecureRandom.uuid), namespace: "real")
  def ended(task) = @client.wait(task, timeout: 60)
  def steps(task) = @client.steps(task).to_h { |step| [ step.name, step ] }
  def note(name) = @app.exist?("tmp/#{name}") ? @app.read("tmp/#{name}").lines.map(&:chomp) : []

  # A task whose step waits for a file, and that file.
  def slow_task
    go = File.join(@app.root, "tmp/go-#{SecureRandom.hex(4)}")
    [ create("slow", { until: go }), go ]
  end

  it "runs a workflow that Tasker.client created: results, retries that wait, domain events" do
    @app.write("tmp/create.rb", "puts \"=> \#{Tasker.client.create_task(\"flow\", { n: 20 }, namespace: \"real\").task_uuid}\"\n")
    output, code = @app.run("bin/rails", "runner", "tmp/create.rb")
    expect(code).to eq(0), output
    task = @client.wait(output[/^=> (.*)$/, 1], timeout: 90)
    expect(task).to be_succeeded, steps(task).transform_values(&:error).to_s
    expect(steps(task).transform_values(&:result)).to eq("first" => { "n" => 20 }, "flaky" => { "n" => 21, "attempt" => 2 }, "last" => { "n" => 42, "at" => "2026-01-01T00:00:00.000Z" })
    expect(steps(task)["flaky"].attempts).to eq(2)
    times = note("flaky").map(&:to_f)
    # The template asks for two seconds; Core looks for steps that are due in a rhythm of its own.
    expect(times[1] - times[0]).to be_between(2.0, 15.0)
    wait_for { note("events").include?("flow.done 42") }
  end

  it "stores why a step failed, and does not try again what cannot help" do
    task = ended(create("declined"))
    expect(task).to be_failed
    step = steps(task)["pay"]
    expect(step).to have_attributes(current_state: "error", attempts: 1)
    expect(step.error).to include("message" => "the card was declined", "error_type" => "permanent_error", "retryable" => false)
    expect(step.error["context"]).to include("error_code" => "DECLINED")
  end

  it "takes decisions and batches, and fails a decision that the server would silently refuse" do
    task = ended(create("choose", { to: [ "yes" ], items: 5 }))
    expect(task).to be_succeeded, steps(task).transform_values(&:error).to_s
    expect(steps(task).keys).to match_array(%w[start decide yes])
    expect(steps(ended(create("batch", { items: 5 })))["total"].result).to eq("done" => 5)
    bad = ended(create("choose", { to: [ "maybe" ] }))
    expect(bad).to be_failed
    expect(steps(bad)["decide"].error["message"]).to match(/'maybe' is not downstream of decision 'decide'/)
  end

  it "loses nothing when SIGTERM comes in the middle of a step, and what comes after it runs in the next worker" do
    task, go = slow_task
    wait_for { note("slow").include?(task.task_uuid) }
    stop do |process|
      wait_for { process.output.include?("TERM: draining") }
      FileUtils.touch(go)
    end
    expect(steps(task)["slow"]).to have_attributes(current_state: "complete", attempts: 1)
    expect(@client.get_task(task)).not_to be_ended
    @shared[:worker] = worker
    expect(ended(task)).to be_succeeded
    expect(note("slow").count(task.task_uuid)).to eq(1)
  end

  it "hands back a step that takes too long to stop, and the next worker runs it again" do
    stop
    first = worker(TASKER_DRAIN_TIMEOUT: "0.2")
    task, go = slow_task
    wait_for { note("slow").include?(task.task_uuid) }
    expect(stop(first).output).to match(/cut, and tried again by another worker: slow step=/)
    FileUtils.touch(go)
    @shared[:worker] = worker
    expect(ended(task)).to be_succeeded
    expect(note("slow").count(task.task_uuid)).to eq(2)
  end

  it "runs in a process of Puma that loaded the app before the fork, and ends with it" do
    stop
    port = @app.free_port
    @app.write("config/puma.rb", "bind \"tcp://127.0.0.1:#{port}\"\nthreads 1, 2\nworkers 1\npreload_app!\nworker_shutdown_timeout 60\nplugin :tasker\n")
    server = @app.start("bundle", "exec", "puma", "-C", "config/puma.rb")
    wait_for(90) { ready?(port) }
    expect(ended(create("choose", { to: [ "yes" ] }))).to be_succeeded
    server.signal("TERM")
    server.wait(90)
    expect(@app.read("log/development.log").scan("worker stopped").size).to be >= 1
  end

  def ready?(port)
    Net::HTTP.get_response("127.0.0.1", "/tasker/ready", port).is_a?(Net::HTTPSuccess)
  rescue Errno::ECONNREFUSED, EOFError
    false
  end
end
