# frozen_string_literal: true

RSpec.describe TaskerContribRails::Runtime, :worker do
  before do
    template(steps: [ { "name" => "step", "handler" => { "callable" => "Echo" } } ])
    handler("Echo") { |context| { "got" => context.get_input(:n) } }
  end

  it "runs steps, and gives Core a complete private file without placeholders" do
    start
    expect(answer(callable: "Echo", context: { n: 1 })).to include("success" => true, "status" => "completed", "result" => { "got" => 1 })
    expect(native.config_seen).to include("url = \"#{WorkerHelpers.database_url}?application_name=tkw:ruby:").and not_include("${")
    expect(File.stat(ENV.fetch("TASKER_CONFIG_PATH")).mode & 0o777).to eq(0o600)
    expect(ENV.fetch("TASKER_CONFIG_PATH")).to match(%r{\A#{root}/tmp/tasker/test-\h{12}\.toml\z})
    expect(ENV.fetch("TASKER_TEMPLATE_PATH")).to eq(root.join("config/tasks").to_s)
  end

  it "gives processes with other settings other files, and keeps none of another day" do
    folder = root.join("tmp/tasker")
    write = ->(**values) { TaskerContribRails::Config::File.write(settings(**values), folder:, environment: "test") }
    one, same, other = write.call, write.call, write.call(worker__concurrency: 9)
    expect([ one == same, one == other, other.read ]).to match([ true, false, /max_concurrent_handlers = 9$/ ])
    [ one, folder.join("production-0123456789ab.toml").tap { |file| file.write("") } ].each { |file| File.utime(Time.now - 90_000, Time.now - 90_000, file) }
    write.call(worker__concurrency: 9)
    expect(folder.children.map { |file| file.basename.to_s }).to contain_exactly(other.basename.to_s, "production-0123456789ab.toml")
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

  it "says at once that there is no database, where it looked and what to do, and can start when there is one" do
    bad = TaskerContribRails::Configuration.new.resolve(environment: { "DATABASE_URL" => "postgresql://a:se^cret@127.0.0.1:1/d" })
    began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    expect { runtime.start!(settings: bad, root:, environment: "test") }
      .to raise_error(TaskerContribRails::WorkerError, "no database: connection refused at 127.0.0.1:1 (database.url: environment DATABASE_URL); start PostgreSQL there, or correct the URL; " \
                                                       "on your own machine `tasker-dev up` starts one and prints its DATABASE_URL")
    expect(Process.clock_gettime(Process::CLOCK_MONOTONIC) - began).to be < 5
    expect(native.boots).to eq(0)
    start
    expect(runtime).to be_running
  end

  it "names a host that is not there, and where its name comes from" do
    bad = TaskerContribRails::Configuration.new.tap { |configuration| configuration.core["common.database.url"] = "postgresql://a:b@nowhere.invalid/d" }.resolve(environment: {})
    expect { runtime.start!(settings: bad, root:, environment: "test") }
      .to raise_error(TaskerContribRails::WorkerError, /\Ano database: the host nowhere.invalid cannot be found \(database.url: .*runtime_spec.rb:\d+\)/)
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

  it "keeps Core from stopping the worker by itself at exit, without a drain" do
    bootstrap = TaskerCore::Worker::Bootstrap.instance
    expect(bootstrap).not_to receive(:at_exit)
    start
    expect(bootstrap).to be_running
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

  # @param folder [String] with a tasker_core.rb
  def load_problem(folder)
    out, = Open3.capture2e({ "RUBYLIB" => folder }, RbConfig.ruby, "-I#{File.expand_path("../../lib", __dir__)}", "-e", <<~RUBY)
      require "tasker_contrib_rails"
      begin
        TaskerContribRails::Worker::Core.load!(log_level: "warn")
      rescue TaskerContribRails::ConfigurationError => error
        puts error.message
      end
    RUBY
    out
  end

  it "says what to install when the gem, what it requires, or its native library is not there" do
    expect(load_problem("")).to match(/\Athe gem tasker-rb is not installed.*add `gem "tasker-rb", require: false` to the Gemfile/)
    root.join("tasker_core.rb").write("require \"no-such-library\"\n")
    expect(load_problem(root.to_s)).to eq("tasker-rb requires 'no-such-library', which cannot be loaded: run `bundle install`\n")
    root.join("tasker_core.rb").write("require_relative \"tasker_core/tasker_rb\"\n")
    expect(load_problem(root.to_s)).to match(/\Athe native library of tasker-rb cannot be loaded by Ruby #{RUBY_VERSION}.*It needs Ruby 3.4/)
  end

  it "refuses a version of Core whose inside it does not know" do
    stub_const("TaskerCore::VERSION", "0.2.0")
    expect { start }.to raise_error(TaskerContribRails::ConfigurationError, /\Atasker-rb 0.2.0 is not supported: tasker-contrib-rails #{TaskerContribRails::VERSION} works with >= 0.1.8, < 0.2/)
    expect(native.boots).to eq(0)
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
end
