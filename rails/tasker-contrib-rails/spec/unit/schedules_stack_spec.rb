# frozen_string_literal: true

require "tmpdir"

# Schedulers that know nothing of each other, on the real server.
RSpec.describe TaskerContribRails::Schedules, :stack do
  it "create one task for each slot, however many there are and however often they start" do
    Stack.register("name" => "tick", "namespace_name" => "schedules", "version" => "1.0.0", "steps" => [ { "name" => "run", "handler" => { "callable" => "TickHandler" } } ])
    client = TaskerContribRails::Client.new(Stack.running.orchestration_url)
    file = Pathname(Dir.mktmpdir).join("schedules.yml")
    file.write("tick: {task: schedules/tick, every: 1h, missed: all, missed_within: 5h}\n")
    now = Time.utc(2026, 12, 1, 12, 10)
    start = -> { described_class::Scheduler.new(file:, client:, clock: -> { now }) }
    # A scheduler that is killed has the same memory as a new one: none.
    schedulers = Array.new(3) { start.call.tap(&:tick) }
    now = Time.utc(2026, 12, 1, 13)
    schedulers.map { |one| Thread.new { one.tick } }.each(&:join)
    start.call.tick
    tasks = client.list_tasks(namespace: "schedules", per_page: 100).map { |task| task.context["scheduled_for"] }
    expect(tasks.sort).to eq((8..13).map { |hour| format("2026-12-01T%02d:00:00Z", hour) })
  ensure
    FileUtils.rm_rf(file.dirname) if file
  end
end
