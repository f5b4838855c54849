# frozen_string_literal: true

# A real app, served by real Puma, with real signals.
#
# A stop always meets a request: Puma ends only after it. That is what a deployment looks like, and it keeps two things apart that Puma does at
# a stop: it writes to a pipe in the signal handler, and closes that pipe in another thread. On Ruby 3.3 a close that comes while the
# write is under way can hang; an idle Puma 6.6 did in one of about ten stops, also without this plugin.
RSpec.describe "An app in Puma", :echo_app do
  def get(port, path)
    response = Net::HTTP.get_response("127.0.0.1", path, port)
    [ response.code.to_i, JSON.parse(response.body) ]
  rescue Errno::ECONNREFUSED, Errno::ECONNRESET, EOFError
    nil
  end

  def puma(config, more: {})
    # Puma chooses the port, so that nobody else can have it by then.
    @app.write("config/puma.rb", "bind \"tcp://127.0.0.1:0\"\nthreads 1, 2\n#{config}\n")
    server = @app.start("bundle", "exec", "puma", "-C", "config/puma.rb", more:)
    wait_for(30) { server.output.match?(/Listening on|does not exist/) }
    [ server, server.output[%r{Listening on http://127\.0\.0\.1:(\d+)}, 1] ]
  end

  before do
    @app.write("config/routes.rb", @app.read("config/routes.rb").sub(/^end$/, <<~RUBY))
        get "/slow", to: lambda { |_env|
          FileUtils.touch(Rails.root.join("tmp/slow-\#{Process.pid}"))
          sleep(0.01) until Rails.root.join("tmp/release").exist?
          [ 200, { "content-type" => "text/plain" }, [ "done" ] ]
        }
      end
    RUBY
  end

  # Sends TERM while each of the processes answers a request.
  #
  # @return [Array<String>] the answers
  def stop(server, port, processes: 1)
    requests = []
    wait_for do
      requests << Thread.new { slow_request(port) }
      started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      sleep(0.01) until slow.size == processes || Process.clock_gettime(Process::CLOCK_MONOTONIC) > started + 1
      slow.size == processes
    end
    server.signal("TERM")
    wait_for { refused?(port) }
    FileUtils.touch(File.join(@app.root, "tmp/release"))
    server.wait(20)
    requests.filter_map(&:value)
  end

  # @return [String, nil] nil if it came after the end
  def slow_request(port)
    Net::HTTP.get(URI("http://127.0.0.1:#{port}/slow"))
  rescue Errno::ECONNREFUSED, Errno::ECONNRESET, EOFError
    nil
  end

  def slow = Dir[File.join(@app.root, "tmp/slow-*")]

  def refused?(port)
    TCPSocket.new("127.0.0.1", port).close
    false
  rescue Errno::ECONNREFUSED
    true
  end

  def ready(port) = wait_for(30) { (answer = get(port, "/tasker/ready")) && answer.last["components"].to_h { |part| part.values_at("name", "status") } }

  it "creates tasks only, without the plugin" do
    server, port = puma("")
    expect(ready(port)).to include("worker" => "off", "orchestration" => "failed")
    expect(get(port, "/tasker/live")).to eq([ 200, { "status" => "alive" } ])
    expect(boots).to be_empty
    expect(stop(server, port)).to eq([ "done" ])
  end

  it "runs steps in single mode with the plugin, and TERM stops it and drains" do
    @app.deliver({ callable: "EchoHandler" })
    server, port = puma("plugin :tasker")
    wait_for { ready(port)["worker"] == "ok" }
    wait_for { @app.journal("complete").any? }
    expect(server.output).not_to include("Warning: You specified code to run")
    expect(stop(server, port)).to eq([ "done" ])
    expect(boots).to eq([ @app.journal("stop").first["pid"] ])
    expect(@app.read("log/development.log")).to include("worker claims no more steps").and include("worker stopped")
  end

  it "runs a worker in each process of a cluster, and none in the master that loaded the app" do
    server, port = puma("workers 2\npreload_app!\nplugin :tasker")
    wait_for(30) { boots.uniq.size == 2 }
    expect(boots).not_to include(server.pid)
    wait_for { ready(port)["worker"] == "ok" }
    expect(stop(server, port, processes: 2).tally).to match("done" => (2..))
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
