# frozen_string_literal: true

require_relative "worker"

# A dummy app with a handler that waits for a file if it is told to. Groups tagged `:echo_app` have one for each example.
module EchoApp
  include WorkerHelpers

  def make_app
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

  def boots = @app.journal("boot").map { |line| line["pid"] }

  def wait_for(seconds = 20, &)
    eventually(seconds, &)
  rescue WorkerHelpers::NotInTime => error
    raise WorkerHelpers::NotInTime, "#{error.message}; the processes said:\n#{@app.said}"
  end
end

RSpec.configure do |config|
  config.include EchoApp, :echo_app
  config.before(:each, :echo_app) { make_app }
  config.after(:each, :echo_app) { @app&.close }
end
