# frozen_string_literal: true

# What Rails puts around each step, in one real worker process.
RSpec.describe "Around a step" do
  include WorkerHelpers

  before(:all) do
    @app = DummyApp.new
    handlers
    @app.write("config/tasks/order.yaml", { "name" => "order", "namespace_name" => "shop", "version" => "1.0.0",
                                            "steps" => %w[Db Boom Gate Version].map { |name| { "name" => name.downcase, "handler" => { "callable" => "#{name}Handler" } } } }.to_yaml)
    subscribers
    @app.deliver(*%w[Db Db Db Boom Gate Version].map { |name| { callable: "#{name}Handler", step: name.downcase } })
    run_the_worker
  end

  after(:all) { @app.close }

  def handlers
    @app.write("app/handlers/db_handler.rb", <<~RUBY)
      class DbHandler < Tasker::StepHandler
        def call(_context) = { threads: ActiveRecord::Base.connection.select_value("SELECT 1"), current: ActiveSupport::IsolatedExecutionState[:seen], set: ActiveSupport::IsolatedExecutionState[:seen] = 1 }
      end
    RUBY
    @app.write("app/handlers/boom_handler.rb", "class BoomHandler < Tasker::StepHandler\n  def call(_context) = raise(\"boom\")\nend\n")
    @app.write("app/handlers/gate_handler.rb", <<~RUBY)
      class GateHandler < Tasker::StepHandler
        def call(_context)
          logger.info "at the gate"
          sleep(0.01) until Rails.root.join("tmp/go").exist?
        end
      end
    RUBY
    version(1)
  end

  def version(number)
    @app.write("app/handlers/version_handler.rb", "class VersionHandler < Tasker::StepHandler\n  def call(_context) = Rails.root.join(\"tmp/version\").write(\"#{number}\")\nend\n")
  end

  def subscribers
    @app.write("config/initializers/watch.rb", <<~RUBY)
      class Reported
        def report(error, handled:, severity:, context:, source: nil)
          Rails.root.join("tmp/reported").write({ message: error.message, handled:, source:, context: }.to_json)
        end
      end
      Rails.application.config.after_initialize { Rails.error.subscribe(Reported.new) }
      ActiveSupport::Notifications.subscribe("step_completed.tasker") do |event|
        next unless event.payload[:step] == "version"

        # From a thread of no step: what is in use now was not given back.
        Thread.new { Rails.root.join("tmp/busy").write(ActiveRecord::Base.connection_pool.connections.count(&:in_use?).to_s) }.join
      end
    RUBY
  end

  def run_the_worker
    worker = @app.start("bin/tasker", "start", more: { "TASKER_WORKER__CONCURRENCY" => "1" })
    eventually(20) { @app.exist?("log/development.log") && @app.read("log/development.log").include?("at the gate") }
    version(2)
    FileUtils.touch(File.join(@app.root, "tmp/go"))
    eventually(20) { @app.journal("complete").size == 6 }
    worker.signal("TERM")
    expect(worker.wait).to eq(0), worker.output
  end

  it "database connections go back to their pool" do
    expect(@app.journal("complete").first(3)).to all(include("success" => true))
    expect(@app.read("tmp/busy")).to eq("0")
  end

  it "code that was changed is loaded again between two steps" do
    expect(@app.read("tmp/version")).to eq("2")
  end

  it "an unexpected error goes to Rails.error, with the ids of the step" do
    reported = JSON.parse(@app.read("tmp/reported"))
    expect(reported).to include("message" => "boom", "handled" => true, "source" => "tasker")
    expect(reported["context"]).to include("handler" => "BoomHandler", "step" => "boom", "attempt" => 1, "task_uuid" => be_a(String), "step_uuid" => be_a(String))
  end

  it "every log line has the ids as tags, and the events are there" do
    log = @app.read("log/development.log")
    expect(log).to match(/\[tasker\] \[task=\h{8}-\S+\] \[step=\h{8}-\S+\] at the gate/)
    expect(log).to match(/\[tasker\] \[task=\S+\] \[step=\S+\] completed version \(VersionHandler\)/)
  end
end
