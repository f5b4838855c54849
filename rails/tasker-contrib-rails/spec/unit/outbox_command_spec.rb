# frozen_string_literal: true

require "rails/command"
require "rails/commands/tasker/outbox/outbox_command"

# What operators see.
RSpec.describe "bin/rails tasker:outbox", :outbox do
  let(:entries) { TaskerContribRails::OutboxEntry }

  before do
    %w[first second].each { |name| Tasker.create_task(name, {}, namespace: "shop", outbox: true, ordering_key: ("k" if name == "second")) }
    entries.first.update!(dead_at: Time.current, attempts: 1, last_error: "no such field (HTTP 422)", created_at: Time.utc(2026, 12, 1, 6))
  end

  # @return [Array] what a command prints, and the code with which it ends
  def tasker(command, *arguments)
    output = StringIO.new
    $stdout, $stderr = output, output
    Rails::Command::Tasker::OutboxCommand.perform(command, arguments, {})
    [ output.string, 0 ]
  rescue SystemExit => error
    [ output.string, error.status ]
  ensure
    $stdout, $stderr = STDOUT, STDERR
  end

  it "lists rows with what is wrong with them" do
    dead = "1  dead  2026-12-01T06:00:00Z  shop/first 1.0.0  1 attempts  no such field (HTTP 422)\n"
    expect(tasker("list")).to match([ %r{\A#{Regexp.escape(dead)}2  open  \S+Z  shop/second 1.0.0  key k\n1 open, 1 dead, lag \d+ s\n\z}, 0 ])
    expect(tasker("list", "--dead")).to match([ /\A#{Regexp.escape(dead)}1 open, 1 dead, lag \d+ s\n\z/, 0 ])
  end

  it "gives rows to the relay again" do
    expect(tasker("retry", "1")).to match([ %r{\Aopen again: 1  open  \S+  shop/first 1.0.0  no such field}, 0 ])
    expect(entries.dead.count).to eq(0)
    expect(tasker("retry", "--all")).to eq([ "", 0 ])
  end

  it "discards rows" do
    expect(tasker("discard", "--all")).to match([ /\Adiscarded: 1 [^\n]*\n\z/, 0 ])
    expect(entries.sole.name).to eq("second")
    expect(tasker("discard", "2")).to match([ /\Adiscarded: 2 /, 0 ])
    expect(entries.count).to eq(0)
  end

  it "touches nothing when an id is wrong" do
    expect(tasker("discard", "2", "9")).to eq([ "error: there is no row 9 in tasker_outbox\n", 1 ])
    expect(tasker("discard", "x")).to eq([ "error: \"x\" is not the id of a row; `bin/rails tasker:outbox:list` prints them\n", 1 ])
    expect(tasker("retry")).to eq([ "error: give the ids of rows, or --all for every dead row; `bin/rails tasker:outbox:list` prints them\n", 1 ])
    expect(tasker("retry", "1", "--all")).to match([ /error: give either ids or --all/, 1 ])
    expect(entries.count).to eq(2)
  end
end
