# frozen_string_literal: true

# Workers of a real app, with real signals.
RSpec.describe "The processes of an app", :echo_app do
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

  it "end when every thread of the worker hangs: it would claim steps and run none" do
    @app.deliver({ callable: "EchoHandler", context: { until: "/nowhere" }, timeout_seconds: 1 })
    worker = @app.start("bin/tasker", "start", more: { "TASKER_WORKER__CONCURRENCY" => "1" })
    expect(worker.wait).to eq(1)
    expect(worker.output).to match(/^error: all 1 threads run handlers that exceeded timeout_seconds and did not end \(EchoHandler\); the worker ends, so that its supervisor starts a new one$/)
    expect(@app.journal("stop").size).to eq(1)
  end

  it "start, and pass their check, with a handler that no template uses yet: a warning names it and the line that uses it" do
    @app.write("app/handlers/application_handler.rb", "class ApplicationHandler < Tasker::StepHandler\nend\n")
    @app.write("app/handlers/shop/new_handler.rb", "class Shop::NewHandler < ApplicationHandler\n  def call(_context) = {}\nend\n")
    line = "no task template uses Shop::NewHandler; a step uses it with `handler: {callable: Shop::NewHandler}`"
    expect(@app.run("bin/tasker", "check")).to eq([ "warning: #{line}\nsettings, 1 template and their handlers: no errors, 1 warning\n", 0 ])
    worker = @app.start("bin/tasker", "start")
    wait_for { worker.output.include?("tasker runs steps") }
    expect([ worker.output.scan(line).size, @app.read("log/development.log").scan(line).size ]).to eq([ 1, 1 ])
    worker.signal("TERM")
    expect(worker.wait).to eq(0)
  end

  it "name an error of a template alone, without a word about handlers that it leaves without a template" do
    template = @app.read("config/tasks/echo.yaml")
    @app.write("config/tasks/echo.yaml", template.sub("EchoHandler", "EkoHandler"))
    expect(@app.run("bin/tasker", "check")).to match([ %r{\Aerror: config/tasks/echo.yaml: step 'step': no handler 'EkoHandler': there is no such class[^\n]*\n1 error\n\z}, 1 ])
    expect(@app.run("bin/tasker", "start")).to match([ %r{\Aerror: config/tasks/echo.yaml: step 'step': no handler 'EkoHandler'[^\n]*\n\z}, 1 ])
    @app.write("config/tasks/echo.yaml", "steps: [")
    expect(@app.run("bin/tasker", "check")).to match([ %r{\Aerror: config/tasks/echo.yaml: is not valid YAML: [^\n]*\n1 error\n\z}, 1 ])
  end

  it "say what makes a template when there is none" do
    @app.run("rm", "config/tasks/echo.yaml", "app/handlers/echo_handler.rb")
    line = %r{the template folder \S+/config/tasks has no templates, so that a worker has nothing to run; `bin/rails generate tasker:task_template NAME` makes one\n}
    expect(@app.run("bin/tasker", "check")).to match([ /\Awarning: #{line}settings, 0 templates and their handlers: no errors, 1 warning\n\z/, 0 ])
    expect(@app.run("bin/tasker", "start")).to match([ /\Aerror: #{line}\z/, 1 ])
  end

  it "say in one line that there is no database" do
    output, code = @app.run("bin/tasker", "start", more: { "TASKER_DATABASE__URL" => "postgresql://a:secret@127.0.0.1:1/d" })
    expect([ output.lines.size, code ]).to eq([ 1, 1 ])
    expect(output).to start_with("error: no database: connection refused at 127.0.0.1:1 (database.url: environment TASKER_DATABASE__URL)").and not_include("secret")
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
end
