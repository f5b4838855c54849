# frozen_string_literal: true

# Every kind of process of a real app, with real Puma and real signals.
RSpec.describe "The processes of an app" do
  include WorkerHelpers

  before { make_app }

  def make_app
    @app&.close
    @app = DummyApp.new
    @app.write("app/handlers/echo_handler.rb", <<~RUBY)
      class EchoHandler < Tasker::StepHandler
        def call(context)
          logger.info "echoing"
          sleep(0.01) while context.get_input(:until) && !File.exist?(context.get_input(:until))
          { pid: Process.pid }
        end
      end
    RUBY
    @app.write("config/tasks/echo.yaml", { "name" => "echo", "namespace_name" => "shop", "version" => "1.0.0",
                                           "steps" => [ { "name" => "step", "handler" => { "callable" => "EchoHandler" } } ] }.to_yaml)
  end

  after { @app&.close }

  def boots = @app.journal("boot").map { |line| line["pid"] }

  def wait_for(seconds = 20, &) = eventually(seconds, &)

  def get(port, path)
    response = Net::HTTP.get_response("127.0.0.1", path, port)
    [ response.code.to_i, JSON.parse(response.body) ]
  rescue Errno::ECONNREFUSED, Errno::ECONNRESET, EOFError
    nil
  end

  def puma(config, more: {})
    port = @app.free_port
    @app.write("config/puma.rb", "bind \"tcp://127.0.0.1:#{port}\"\nthreads 1, 2\n#{config}\n")
    [ @app.start("bundle", "exec", "puma", "-C", "config/puma.rb", more:), port ]
  end

  def ready(port) = wait_for(30) { (answer = get(port, "/tasker/ready")) && answer.last["components"].to_h { |part| part.values_at("name", "status") } }

  describe "bin/tasker" do
    it "runs steps, and on SIGTERM lets the one that runs end" do
      go = File.join(@app.root, "tmp/go")
      @app.deliver({ callable: "EchoHandler", context: { until: go } })
      worker = @app.start("bin/tasker", "start")
      wait_for { @app.journal("claim").any? }
      worker.signal("TERM")
      wait_for { worker.output.include?("TERM: draining") }
      FileUtils.touch(go)
      expect(worker.wait).to eq(0)
      expect(@app.journal("complete")).to match([ include("success" => true, "known" => true) ])
      expect(@app.journal("stop")).to match([ include("pending" => 0) ])
      expect(worker.output).to include("tasker runs steps").and include("stopped")
      expect(@app.read("log/development.log")).to match(/\[tasker\] \[task=.+\] \[step=.+\] echoing/)
    end

    it "cuts what takes too long, names it, and hands it back" do
      @app.deliver({ callable: "EchoHandler", context: { until: "/nowhere" } })
      worker = @app.start("bin/tasker", "start", more: { "TASKER_DRAIN_TIMEOUT" => "0.1" })
      wait_for { @app.journal("claim").any? }
      worker.signal("INT")
      expect(worker.wait).to eq(0)
      expect(worker.output).to match(/cut, and tried again by another worker: step step=/)
      expect(@app.journal("complete")).to match([ include("success" => false, "error" => include("error_type" => "worker_stopped", "retryable" => true)) ])
    end

    it "ends with 1 and one message when it cannot start" do
      expect(@app.run("bin/tasker", "start", more: { "TASKER_DATABASE__URL" => "postgres://a:secret@h/d" })).to match([ /\Aerror: database.url = .*must start with postgresql:\/\/[^\n]*\n\z/, 1 ])
      expect(@app.run("bin/tasker", "start", more: { "TASKER_MODE" => "client" })).to match([ /error: there is nothing to run: tasker is client: mode is 'client' \(environment TASKER_MODE\)/, 1 ])
      expect(@app.run("bin/tasker", "strat").last).to eq(1)
      expect(boots).to be_empty
    end

    it "runs as a rake task" do
      worker = @app.start("bin/rails", "tasker:start")
      wait_for { boots.any? }
      wait_for { worker.output.include?("tasker runs steps") }
      worker.signal("TERM")
      expect(worker.wait).to eq(0)
    end
  end

  it "runs no step in a runner, rake task, console or generator, whatever is set" do
    more = { "TASKER_MODE" => "worker" }
    expect(@app.run("bin/rails", "runner", "puts TaskerContribRails::App.start.reason", more:).first).to include("this is rails runner")
    @app.write("lib/tasks/look.rake", "task(look: :environment) { puts TaskerContribRails::App.start.reason }\n")
    expect(@app.run("bin/rails", "look", more:).first).to include("this is a rake task")
    output, = Open3.capture2e(@app.env.merge(more), "bin/rails", "console", chdir: @app.root, stdin_data: "puts TaskerContribRails::App.start.reason\n")
    expect(output).to include("this is a console")
    @app.write("lib/generators/look/look_generator.rb", "class LookGenerator < Rails::Generators::Base\n  def look = puts(TaskerContribRails::App.start.reason)\nend\n")
    expect(@app.run("bin/rails", "generate", "look", more:).first).to include("this is a generator")
    expect(boots).to be_empty
  end

  it "prints every setting with its source, without secrets" do
    output, code = @app.run("bin/rails", "tasker:config", more: { "TASKER_DATABASE__URL" => "postgresql://a:secret@h/d", "TASKER_WORKER__CONCURRENCY" => "3" })
    expect(code).to eq(0)
    expect(output).to match(%r{^database.url +postgresql://a:\*\*\*@h/d +environment TASKER_DATABASE__URL$}).and match(/^worker.concurrency +3 +environment TASKER_WORKER__CONCURRENCY$/)
    expect(output).to match(%r{^drain_timeout +30.0 +/.+/config/tasker.toml$})
    expect(output).not_to include("secret")
  end

  it "does not boot with a wrong setting" do
    @app.write("config/initializers/zz.rb", "Tasker.configure { |config| config.database.pool_size = 0 }\n")
    output, code = @app.run("bin/rails", "runner", "1")
    expect(code).to eq(1)
    expect(output).to match(%r{database.pool_size = 0 \(.*config/initializers/zz.rb:1\): must be 1 to 1000})
  end

  # Puma 6.6.0 on Ruby 3.3.8 sometimes waits for ever when it closes a pipe of its own at a stop, also without this plugin (seen in one of
  # eight stops); such a run says nothing about the plugin.
  def without_pumas_own_hang(tries = 5)
    yield
  rescue DummyApp::DidNotEnd
    raise if (tries -= 1).zero?

    make_app
    retry
  end

  describe "Puma" do
    it "creates tasks only, without the plugin" do
      without_pumas_own_hang do
        server, port = puma("")
        expect(ready(port)).to include("worker" => "off", "orchestration" => "failed")
        expect(get(port, "/tasker/live")).to eq([ 200, { "status" => "alive" } ])
        expect(boots).to be_empty
        server.signal("TERM")
        server.wait(12)
      end
    end

    it "runs steps in single mode with the plugin, and TERM stops it and drains" do
      without_pumas_own_hang do
        @app.deliver({ callable: "EchoHandler" })
        server, port = puma("plugin :tasker")
        wait_for { ready(port)["worker"] == "ok" }
        wait_for { @app.journal("complete").any? }
        expect(server.output).not_to include("Warning: You specified code to run")
        server.signal("TERM")
        server.wait(12)
        expect(boots).to eq([ @app.journal("stop").first["pid"] ])
        expect(@app.read("log/development.log")).to include("worker claims no more steps").and include("worker stopped")
      end
    end

    it "runs a worker in each process of a cluster, and none in the master that loaded the app" do
      without_pumas_own_hang do
        server, port = puma("workers 2\npreload_app!\nplugin :tasker")
        wait_for(30) { boots.uniq.size == 2 }
        expect(boots).not_to include(server.pid)
        wait_for { ready(port)["worker"] == "ok" }
        server.signal("TERM")
        server.wait(12)
        expect(@app.journal("stop").map { |line| line["pid"] }).to match_array(boots)
        expect(@app.journal("hang")).to be_empty
      end
    end

    it "ends when the worker cannot start: it would serve without one" do
      without_pumas_own_hang do
        [ "", "workers 1\npreload_app!\n" ].each do |config|
          server, = puma("#{config}plugin :tasker", more: { "TASKER_TEMPLATES" => "config/none", "TASKER_MODE" => "worker" })
          server.wait(12)
          expect(server.output).to match(/tasker: the template folder .*config\/none does not exist/)
        end
      end
    end
  end
end
