# frozen_string_literal: true

# The scheduler of a real app.
RSpec.describe "The schedules of an app" do
  after do
    @app&.close
    @server&.close
  end

  # As in the README.
  readme = File.read(File.expand_path("../../README.md", __dir__))
  yaml = readme.scan(/^```yaml\n(.*?)^```/m).flatten[1]
  list, schedule = readme.scan(/^```sh\n(.*?)^```/m).flatten[3].lines(chomp: true).map(&:split)

  it "are run by a process that SIGTERM ends at once, also while it waits for the server" do
    asked = Thread::Queue.new
    @server = HttpServer.new do |request|
      asked << JSON.parse(request.body)
      Thread.stop # never answers
    end
    @app = DummyApp.new(gems: %w[fugit], more: { "TASKER_ORCHESTRATION_URL" => @server.url })
    @app.write("config/tasker/schedules.yml", yaml)
    expect(@app.run(*list)).to match([ %r{\Anightly_report +reports/daily_report 1.0.0 +0 6 \* \* \* +\S+ 06:00:00 CES?T }, 0 ])
    @app.write("config/tasker/schedules.yml", "tick: {task: shop/tick, cron: \"* * * * *\"}\n")
    scheduler = @app.start(*schedule)
    expect(asked.pop(timeout: 180)).to include("name" => "tick", "namespace" => "shop", "context" => { "scheduled_for" => /\A\d{4}-\d\d-\d\dT\d\d:\d\d:00Z\z/ })
    scheduler.signal("TERM")
    expect([ scheduler.wait(60), scheduler.output ]).to match([ 0, /^scheduling tick; process \d+$/ ])
    @app.write("config/tasker/schedules.yml", "tick: {task: shop/tick}\n")
    expect(@app.run("bin/rails", "tasker:schedule")).to match([ %r{\Aerror: \S+/config/tasker/schedules.yml: tick: needs either cron or every, and has none\n\z}, 1 ])
  end
end
