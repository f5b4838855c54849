# frozen_string_literal: true

require "tasker_contrib_rails/testing"

# Real transactions, in SQLite; the server's answers are scripted.
RSpec.describe TaskerContribRails::Outbox, :outbox do
  let(:entries) { TaskerContribRails::OutboxEntry }
  let(:client) { OutboxHelpers::ScriptedClient.new }

  def transaction(...) = ActiveRecord::Base.transaction(...)
  def create(name = "ship", context = { order_id: 7 }, **) = Tasker.create_task(name, context, outbox: true, **)
  def relay(client) = TaskerContribRails::Outbox::Relay.new(client:).run_once
  def answers(&) = OutboxHelpers::ScriptedClient.new(&)

  describe "a row" do
    it "is there with the transaction that it was written in, whatever after_commit is" do
      [ true, false ].each do |after_commit|
        transaction do
          create("kept", after_commit:)
          expect(entries.count).to eq(1)
        end
        expect(entries.sole).to have_attributes(name: "kept", namespace: "default", version: "1.0.0", context: { "order_id" => 7 }, attempts: 0)
        entries.delete_all
        transaction do
          create("lost", after_commit:)
          raise ActiveRecord::Rollback
        end
        expect(entries.count).to eq(0)
      end
    end

    it "answers as a task that is not there yet, and has the id by which it is found later" do
      expect(create).to have_attributes(created?: false, task: nil, task_uuid: nil, correlation_id: match(/\A\h{8}-/))
      id = SecureRandom.uuid
      expect(create("other", correlation_id: id.upcase).correlation_id).to eq(id)
    end

    it "is written for every task when the setting says so, and for one that says otherwise not" do
      Tasker.configure { |config| config.outbox = true }
      TaskerContribRails::App.instance_variable_set(:@client, client)
      expect(Tasker.create_task("ship")).to be_a(entries)
      expect(Tasker.create_task("ship", outbox: false)).to be_a(TaskerContribRails::Client::Task)
    end

    it "is not written for what the server would refuse" do
      expect { create("ship", "no hash") }.to raise_error(Tasker::InvalidRequestError, /must be a hash/)
      expect { create("ship", { text: "a\0" }) }.to raise_error(Tasker::InvalidRequestError, /NUL/)
      expect { create("ship", {}, prioriti: 1) }.to raise_error(ArgumentError, /unknown option prioriti; did you mean 'priority'/)
      expect { create("ship", {}, on_conflict: :skip) }.to raise_error(ArgumentError, /:raise, :ignore or :return, not :skip/)
      expect { create("ship", {}, correlation_id: "request 7") }.to raise_error(Tasker::InvalidRequestError, /must be a UUID, not "request 7"/)
      expect { Tasker.create_task("ship", {}, ordering_key: "a") }.to raise_error(ArgumentError, /option of the outbox: add outbox: true/)
      expect(entries.count).to eq(0)
    end

    it "is refused with the way out when there is no table, and taken as soon as there is one" do
      ActiveRecord::Base.connection.drop_table(:tasker_outbox)
      entries.reset_column_information
      entries.connection.schema_cache.clear!
      described_class.instance_variable_set(:@table, nil)
      expect { create }.to raise_error(Tasker::ConfigurationError, /no table tasker_outbox in the database of ActiveRecord::Base \(outbox_base\); run `bin\/rails generate tasker:outbox`/)
      OutboxHelpers.make_table
      expect(create).to be_persisted
    end

    it "is recorded in tests when its transaction is committed" do
      created = TaskerContribRails::Testing.recording_tasks do
        transaction { create("kept") }
        transaction { create("lost") && raise(ActiveRecord::Rollback) }
      end
      expect(created.map { |task| task[:name] }).to eq([ "kept" ])
    end
  end

  describe "the relay" do
    it "creates tasks in the order of their rows, as they were asked for, and deletes the rows" do
      create("first", { a: 1 }, namespace: "shop", version: "2.0.0", priority: 5, tags: [ "x" ], on_conflict: :ignore)
      create("second")
      rows = entries.order(:id).to_a
      expect(relay(client)).to eq(created: 2)
      expect(entries.count).to eq(0)
      expect(client.asked).to eq([
        [ "first", { "a" => 1 }, { namespace: "shop", version: "2.0.0", priority: 5, tags: [ "x" ], correlation_id: rows[0].correlation_id, on_conflict: :return } ],
        [ "second", { "order_id" => 7 }, { namespace: "default", version: "1.0.0", correlation_id: rows[1].correlation_id, on_conflict: :return } ]
      ])
    end

    it "keeps a row as dead when another caller's task is the same, and takes it as done with on_conflict: :ignore" do
      create("ship")
      create("ship", on_conflict: :ignore)
      expect(relay(answers { "another" })).to eq(dead: 1, existing: 1)
      expect(entries.sole).to have_attributes(dead_at: be_present, last_error: /another caller has this template and context; give this one a context of its own/)
    end

    it "takes a conflict without the task that caused it for one" do
      create("ship")
      create("ship", on_conflict: :return)
      expect(relay(answers { raise Tasker::ConflictError, "exists" })).to eq(dead: 1, existing: 1)
    end

    it "gives up what the server refuses, and nothing else" do
      create
      outcomes = {
        Tasker::InvalidRequestError.new("no", status: 422) => :dead, ArgumentError.new("no") => :dead,
        Tasker::InvalidRequestError.new("slow down", status: 429) => :retry, Tasker::ServerError.new("oh", status: 500) => :retry, Tasker::NotFoundError.new("no such template", status: 404) => :retry, RuntimeError.new("oh") => :retry,
        Tasker::UnavailableError.new("away") => :away, Tasker::BackpressureError.new("busy") => :away, Tasker::PermissionError.new("who?", status: 401) => :away
      }
      outcomes.each do |error, outcome|
        expect(relay(answers { raise error })).to eq(outcome => 1)
        expect(entries.sole.last_error).to include(error.message)
        entries.sole.retry!
      end
    end

    it "gives up a template that no worker has registered for a long time" do
      create.update!(attempts: 18)
      unknown = answers { raise Tasker::NotFoundError.new("not registered", status: 404) }
      expect(relay(unknown)).to eq(retry: 1)
      entries.update_all(not_before: nil)
      expect(relay(unknown)).to eq(dead: 1)
      expect(entries.sole.last_error).to eq("not registered (20 attempts)")
    end

    it "asks no more rows of a server that is away" do
      2.times { |index| create("ship", { index: }) }
      away = answers { raise Tasker::UnavailableError, "away" }
      expect(relay(away)).to eq(away: 1)
      expect(away.asked.size).to eq(1)
      expect(entries.order(:id).map(&:attempts)).to eq([ 0, 0 ])
    end

    it "waits longer after each attempt, up to a minute, or as the server says" do
      create
      waits = Array.new(9) do
        relay(answers { raise Tasker::ServerError, "oh" })
        (entries.sole.not_before - Time.current).tap { entries.update_all(not_before: nil) }
      end
      waits.each_with_index { |wait, index| expect(wait).to be_between([ 2**index, 60 ].min * 0.75 - 1, [ 2**index, 60 ].min * 1.25) }
      relay(answers { raise Tasker::BackpressureError.new("busy", retry_after: 30.0) })
      expect(entries.sole.not_before - Time.current).to be_between(21.5, 37.5)
      expect(relay(client)).to eq({})
      expect(entries.sole.attempts).to eq(9)
    end

    it "sends only the oldest row of a key, also when that one waits or is dead" do
      create("a1", ordering_key: 7)
      create("a2", ordering_key: 7)
      create("b1", ordering_key: 8)
      create("free")
      expect(relay(answers { |name| raise Tasker::InvalidRequestError, "no" if name == "a1" })).to eq(dead: 1, created: 2)
      expect(entries.order(:id).map(&:name)).to eq(%w[a1 a2])
      expect(relay(client)).to eq({})
      entries.dead.sole.retry!
      entries.find_by!(name: "a1").update!(not_before: 1.hour.from_now)
      expect(relay(client)).to eq({})
      entries.update_all(not_before: nil)
      expect(relay(client)).to eq(created: 2)
      expect(client.asked.map(&:first)).to eq(%w[a1 a2])
    end

    it "stops before the next row when it is asked to, and at its limit" do
      3.times { |index| create("ship", { index: }) }
      one = TaskerContribRails::Outbox::Relay.new(client:)
      expect(one.run_once { client.asked.size == 1 }).to eq(created: 1)
      expect(one.run_once(limit: 1)).to eq(created: 1)
    end

    it "ends when a signal has come, and goes on after the database failed" do
      stub_const("TaskerContribRails::Outbox::Relay::DATABASE_PAUSE", 0)
      create
      reader, writer = IO.pipe
      calls = 0
      fails_once = ->(due) { (calls += 1) == 1 ? raise(ActiveRecord::ConnectionNotEstablished, "gone") : due.call }
      allow(entries).to receive(:due).and_wrap_original(&fails_once)
      TaskerContribRails::Outbox::Relay.new(client: answers { writer.puts("TERM") }).run(reader)
      expect(entries.count).to eq(0)
      expect(@log.string).to include("the outbox cannot be read: ActiveRecord::ConnectionNotEstablished: gone; trying again in 0 s")
    end
  end

  it "has metrics where the app has the table, and no figures when they cannot be read" do
    get = -> { TaskerContribRails::Health.call("REQUEST_METHOD" => "GET", "PATH_INFO" => "/metrics") }
    create("a").update!(created_at: 1.minute.ago)
    create("b").update!(dead_at: Time.current)
    status, headers, body = get.call
    expect([ status, headers["content-type"] ]).to eq([ 200, "text/plain; version=0.0.4" ])
    expect(body.join.lines.grep_v(/^#/)).to match([ "tasker_contrib_outbox_up 1\n", "tasker_contrib_outbox_open 1\n", "tasker_contrib_outbox_dead 1\n", match(/\Atasker_contrib_outbox_lag_seconds 6\d\.\d+\n\z/) ])
    expect(body.join).to match(/^# HELP tasker_contrib_outbox_lag_seconds Age of .+\n# TYPE tasker_contrib_outbox_lag_seconds gauge$/)
    allow(described_class).to receive(:counts).and_raise(ActiveRecord::ConnectionNotEstablished, "secret address")
    expect(get.call.last.join.lines.grep_v(/^#/)).to eq([ "tasker_contrib_outbox_up 0\n" ])
    expect(@log.string).to include("the outbox cannot be read: ActiveRecord::ConnectionNotEstablished: secret address")
    allow(described_class).to receive(:table?).and_raise(ActiveRecord::ConnectionNotEstablished, "secret address")
    expect(get.call).to match([ 503, anything, [ "{\"error\":\"the outbox cannot be read\"}" ] ])
    allow(described_class).to receive(:table?).and_return(false)
    expect(get.call.first).to eq(404)
  end

  it "counts open and dead rows, and how long the oldest open one has waited" do
    expect(described_class.counts).to have_attributes(open: 0, dead: 0, lag: 0.0)
    create("a").update!(created_at: 1.hour.ago, dead_at: Time.current)
    create("b").update!(created_at: 10.minutes.ago)
    create("c")
    expect(described_class.counts).to have_attributes(open: 2, dead: 1, lag: be_within(30).of(600))
  end

  it "refuses an outbox_base that is no model, with where it was set" do
    Tasker.configure { |config| config.outbox_base = "BillngRecord" }
    expect { described_class.base }.to raise_error(Tasker::ConfigurationError, /outbox_base = BillngRecord \(.*outbox_spec.rb:\d+\): must be the name of a model class/)
  end
end
