# frozen_string_literal: true

RSpec.describe TaskerContribRails::Runtime, :worker do
  before do
    template(steps: [ { "name" => "step", "handler" => { "callable" => "Echo" } } ])
    handler("Echo") { |context| { "got" => context.get_input(:n) } }
  end

  it "runs steps, and gives Core a complete private file without placeholders" do
    start
    expect(answer(callable: "Echo", context: { n: 1 })).to include("success" => true, "status" => "completed", "result" => { "got" => 1 })
    expect(native.config_seen).to include('url = "postgresql://a:b@127.0.0.1/tasker"').and not_include("${")
    expect(File.stat(ENV.fetch("TASKER_CONFIG_PATH")).mode & 0o777).to eq(0o600)
    expect(ENV.fetch("TASKER_CONFIG_PATH")).to eq(root.join("tmp/tasker/test.toml").to_s)
    expect(ENV.fetch("TASKER_TEMPLATE_PATH")).to eq(root.join("config/tasks").to_s)
  end

  it "never lets a second start reach Core, which would run each step twice" do
    start
    expect(start).to equal(runtime)
    answer(callable: "Echo")
    expect(native.boots).to eq(1)
    expect(native.completions.size).to eq(1)
    expect { start(worker__concurrency: 7, core: nil) }.to raise_error(TaskerContribRails::ConfigurationError)
    expect { start(worker__concurrency: 7) }.to raise_error(TaskerContribRails::WorkerError, /other settings: worker.concurrency.*restart/)
  end

  it "refuses a start after a stop: Core would claim steps and lose them" do
    start
    runtime.stop
    expect { start }.to raise_error(TaskerContribRails::WorkerError, /was stopped, and Core cannot start another one; restart the process/)
    expect(native.boots).to eq(1)
  end

  it "refuses a start after one that failed in Core, and says why that one failed" do
    native.boot_error = RuntimeError.new("no database")
    expect { start }.to raise_error(TaskerContribRails::WorkerError, "the worker could not start: no database")
    native.boot_error = nil
    expect { start }.to raise_error(TaskerContribRails::WorkerError, /could not start earlier \(no database\).*restart the process/)
    expect(native.boots).to eq(0)
  end

  it "can start after a failure that Core had no part in" do
    template(steps: [ { "name" => "step", "handler" => { "callable" => "Ecko" } } ])
    expect { start }.to raise_error(TaskerContribRails::ConfigurationError, %r{config/tasks/order.yaml: step 'step': no handler 'Ecko'})
    template(steps: [ { "name" => "step", "handler" => { "callable" => "Echo" } } ])
    start
    expect(runtime).to be_running
  end

  it "refuses a database URL on which Core aborts the process" do
    bad = TaskerContribRails::Configuration.new.resolve(environment: { "DATABASE_URL" => "postgres://a:secret@h/d" })
    expect { runtime.start!(settings: bad, root:, environment: "test") }
      .to raise_error(TaskerContribRails::ConfigurationError, %r{must start with postgresql://.*write postgresql://a:\*\*\*@h/d})
    expect(native.boots).to eq(0)
  end

  it "puts the host's signal handlers back" do
    calls = []
    before = %w[INT TERM].to_h { |signal| [ signal, Signal.trap(signal) { calls << signal } ] }
    start
    Process.kill("TERM", Process.pid)
    eventually { calls == [ "TERM" ] }
    expect(runtime).to be_running
  ensure
    before.each { |signal, old| Signal.trap(signal, old) }
  end

  it "neither loads a .env into the app nor leaves its own variables there" do
    Dir.chdir(root) do
      root.join(".env").write("LEAKED=yes\n")
      out, status = Open3.capture2e({ "LOG_LEVEL" => nil }, RbConfig.ruby, "-I#{$LOAD_PATH.grep(/core_double/).first}", "-I#{File.expand_path("../../lib", __dir__)}", "-e", <<~RUBY)
        require "tasker_contrib_rails"
        TaskerContribRails::Worker::Core.load!(log_level: "warn")
        p [ TaskerCore::VERSION.class, *ENV.values_at("LEAKED", "LOG_LEVEL", "TASKER_SKIP_EXAMPLE_HANDLERS") ]
      RUBY
      expect([ out, status.success? ]).to eq([ "[String, nil, nil, nil]\n", true ])
    end
  end

  it "says what to install when the gem is not there" do
    out, = Open3.capture2e(RbConfig.ruby, "-I#{File.expand_path("../../lib", __dir__)}", "-e", <<~RUBY)
      require "tasker_contrib_rails"
      begin
        TaskerContribRails::Worker::Core.load!(log_level: "warn")
      rescue TaskerContribRails::ConfigurationError => error
        puts error.message
      end
    RUBY
    expect(out).to match(/\Athe gem tasker-rb is not installed.*add `gem "tasker-rb", require: false` to the Gemfile/)
  end

  it "keeps Core from binding a callable to a class whose name only ends like it" do
    stub_const("LoudEcho", Class.new(TaskerCore::StepHandler::Base) { def call(_context) = success(result: { "loud" => true }) })
    start
    expect(answer(callable: "Echo", context: { n: 2 })["result"]).to eq("got" => 2)
    expect(TaskerCore::Registry::HandlerRegistry.instance.handlers).to be_empty
  end

  it "does not believe Core's health_check, which is false while handlers are loaded lazily" do
    start
    expect(TaskerCore::Worker::Bootstrap.instance.health_check[:healthy]).to be(false)
    expect(runtime).to be_running
  end

  describe "stop" do
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

  describe "a forked child" do
    def in_child
      reader, writer = IO.pipe
      pid = fork do
        reader.close
        runtime.after_fork
        writer.write(begin
          yield.inspect
        rescue StandardError => error
          "#{error.class}: #{error.message}"
        end)
        writer.close
        exit!(0)
      end
      writer.close
      reader.wait_readable(5) || Process.kill("KILL", pid)
      reader.read
    ensure
      Process.wait(pid)
    end

    it "never uses the parent's worker" do
      start
      expect(in_child { [ runtime.running?, runtime.stop, runtime.forked_from == Process.ppid ] }).to eq("[false, nil, true]")
      expect(in_child { start }).to match(/WorkerError: process \d+ has the worker, and this process was forked from it; start the worker after the fork/)
      expect(runtime).to be_running
    end

    it "starts a worker of its own when the parent has none" do
      expect(in_child { start.running? }).to eq("true")
    end

    it "ends, although Core registered an exit handler that waits for ever" do
      script = <<~RUBY
        require "tasker_contrib_rails"
        require "pathname"
        class Echo < TaskerContribRails::StepHandler
          def call(_context) = {}
        end
        settings = TaskerContribRails::Configuration.new.resolve(environment: { "DATABASE_URL" => "postgresql://a:b@h/d" })
        TaskerContribRails.runtime.start!(settings:, root: Pathname(ARGV[0]), environment: "test")
        pid = fork { exit(0) }
        _, status = Process.wait2(pid)
        $stdout.syswrite("\#{status.exitstatus}\n")
        exit!(0)
      RUBY
      command = [ RbConfig.ruby, "-I#{$LOAD_PATH.grep(/core_double/).first}", "-I#{File.expand_path("../../lib", __dir__)}", "-e", script, root.to_s ]
      out, = Timeout.timeout(20) { Open3.capture2e(*command) }
      expect(out).to eq("0\n")
    end
  end
end
