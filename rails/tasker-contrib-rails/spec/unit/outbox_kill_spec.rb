# frozen_string_literal: true

require "securerandom"

# Every process of the outbox dies at every point where it can, on a real PostgreSQL and the real server. No task is lost and none is created
# twice; each row has one task.
RSpec.describe "The outbox and SIGKILL", :stack do
  include OutboxProcesses

  before(:context) do
    Stack.register("name" => "ship", "namespace_name" => "outbox", "version" => "1.0.0", "steps" => [ { "name" => "pack", "handler" => { "callable" => "PackHandler" } } ])
    OutboxProcesses.database
  end

  # The server answers 500 to the first creations of a template that come together: such a row is tried again, and logged.
  before { TaskerContribRails.logger = Logger.new(nil) }
  after { TaskerContribRails.logger = nil }

  let!(:run) { SecureRandom.uuid }

  def write(*orders, **) = orders.each { |order| client.enqueue_task("ship", { run:, order: order.to_s }, namespace: "outbox", **) }

  # Calls a block with 1, 2, 3 … until a process comes to its end.
  def at_every_point
    (1..).each do |point|
      return point - 1 if ended?(yield(point))
    end
  end

  it "at every statement and request of a relay" do
    expected = []
    points = at_every_point do |point|
      inside_database do
        relay_until_empty # what the last point left
        write("#{point}a", "#{point}b", ordering_key: point)
      end
      expected.push("#{point}a", "#{point}b")
      child(kill_at: point) { TaskerContribRails::Outbox::Relay.new(client:).run_once }
    end
    inside_database { expect([ TaskerContribRails::OutboxEntry.count, tasks_of(run) ]).to eq([ 0, expected.sort ]) }
    # For each of two rows: begin, select, the request, delete and commit, before and after.
    expect(points).to be > 20
  end

  it "at every statement of a transaction that writes rows" do
    points = at_every_point do |point|
      child(kill_at: point) do
        ActiveRecord::Base.transaction do
          order = ActiveRecord::Base.connection.select_value("INSERT INTO orders DEFAULT VALUES RETURNING id")
          write(order)
        end
      end
    end
    inside_database do
      relay_until_empty
      orders = ActiveRecord::Base.connection.select_values("SELECT id::text FROM orders")
      expect(tasks_of(run)).to eq(orders.sort)
      # Killed when the commit had been sent, and the one that came to its end.
      expect(orders.size).to be_between(1, 3)
    end
    expect(points).to be > 6
  end

  it "writes a row of a key after the transaction that writes another one" do
    inside_database do
      other = PG.connect(OutboxProcesses.database)
      other.exec("BEGIN")
      other.exec("SELECT pg_advisory_xact_lock(hashtextextended('tasker_outbox:k', 0))")
      ActiveRecord::Base.transaction do
        ActiveRecord::Base.connection.execute("SET LOCAL lock_timeout = '100ms'")
        write("of another key", ordering_key: "j")
        waits = -> { ActiveRecord::Base.transaction(requires_new: true) { write("of the key", ordering_key: "k") } }
        expect(&waits).to raise_error(ActiveRecord::LockWaitTimeout)
      end
      other.exec("ROLLBACK")
      write("of the key", ordering_key: "k")
      relay_until_empty
    ensure
      other&.close
    end
    expect(tasks_of(run)).to eq([ "of another key", "of the key" ])
  end

  it "leaves alone what another relay has in hand" do
    inside_database do
      write("in hand", "free")
      other = PG.connect(OutboxProcesses.database)
      other.exec("BEGIN")
      other.exec("SELECT id FROM tasker_outbox ORDER BY id LIMIT 1 FOR UPDATE")
      expect(TaskerContribRails::Outbox::Relay.new(client:).run_once).to eq(created: 1)
      other.close
      relay_until_empty
      expect(tasks_of(run)).to eq([ "free", "in hand" ])
    end
  end

  # A larger number: OUTBOX_ROWS=1000.
  it "at any time: two relays, many rows, random kills" do
    rows = ENV.fetch("OUTBOX_ROWS", "30").to_i
    seed = ENV.fetch("OUTBOX_SEED") { Random.new_seed.to_s[0, 9] }.to_i
    random = Random.new(seed)
    puts "outbox: #{rows} rows, OUTBOX_SEED=#{seed}"
    inside_database { rows.times { |row| write(row, ordering_key: (row % 10 if row.even?)) } }
    relays = []
    kills = 0
    until inside_database { TaskerContribRails::OutboxEntry.pending.none? }
      relays << child { loop { TaskerContribRails::Outbox::Relay.new(client:).run_once.empty? && sleep(0.01) } } while relays.size < 2
      sleep(random.rand(0.05..0.4))
      Process.kill("KILL", victim = relays.delete_at(random.rand(2)))
      Process.wait(victim)
      kills += 1
    end
    expect(kills).to be > 1
    inside_database { expect([ dead, tasks_of(run) ]).to eq([ [], Array.new(rows, &:to_s).sort ]) }
  ensure
    relays&.each do |pid|
      Process.kill("KILL", pid)
      Process.wait(pid)
    end
  end
end
