# frozen_string_literal: true

# A real app, served by real Puma, with real signals.
RSpec.describe "An app in Puma", :echo_app do
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

  it "creates tasks only, without the plugin" do
    server, port = puma("")
    expect(ready(port)).to include("worker" => "off", "orchestration" => "failed")
    expect(get(port, "/tasker/live")).to eq([ 200, { "status" => "alive" } ])
    expect(boots).to be_empty
    server.signal("TERM")
    server.wait(12)
  end

  it "runs steps in single mode with the plugin, and TERM stops it and drains" do
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

  it "runs a worker in each process of a cluster, and none in the master that loaded the app" do
    server, port = puma("workers 2\npreload_app!\nplugin :tasker")
    wait_for(30) { boots.uniq.size == 2 }
    expect(boots).not_to include(server.pid)
    wait_for { ready(port)["worker"] == "ok" }
    server.signal("TERM")
    server.wait(12)
    expect(@app.journal("stop").map { |line| line["pid"] }).to match_array(boots)
    expect(@app.journal("hang")).to be_empty
  end

  it "ends when the worker cannot start: it would serve without one" do
    [ "", "workers 1\npreload_app!\n" ].each do |config|
      server, = puma("#{config}plugin :tasker", more: { "TASKER_TEMPLATES" => "config/none", "TASKER_MODE" => "worker" })
      server.wait(12)
      expect(server.output).to match(/tasker: the template folder .*config\/none does not exist/)
    end
  end
end
