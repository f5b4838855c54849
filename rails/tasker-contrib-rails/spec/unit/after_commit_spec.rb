# frozen_string_literal: true

require "active_record"
require "tasker_contrib_rails/testing"

# Real transactions, in SQLite.
RSpec.describe "Tasker.create_task in a transaction" do
  around do |example|
    ActiveRecord::Base.establish_connection(adapter: "sqlite3", database: ":memory:")
    ActiveRecord::Base.connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    TaskerContribRails::Testing.recording_tasks do
      @created = TaskerContribRails::App.client.created
      example.run
    end
  ensure
    TaskerContribRails::App.reset!
    ActiveRecord::Base.remove_connection
  end

  attr_reader :created

  def transaction(...) = ActiveRecord::Base.transaction(...)
  def create(name = "ship", **) = Tasker.create_task(name, { order_id: 7 }, **)

  # Rails 7.1 has no callback for the end of all transactions.
  def as_in_rails_7_1
    allow(ActiveRecord).to receive(:respond_to?).and_call_original
    allow(ActiveRecord).to receive(:respond_to?).with(:after_all_transactions_commit).and_return(false)
  end

  [ "Rails 7.2 and newer", "Rails 7.1" ].each do |version|
    describe "as in #{version}" do
      before { as_in_rails_7_1 if version == "Rails 7.1" }

      it "waits for the commit" do
        deferred = transaction do
          create.tap { expect(created).to be_empty }
        end
        expect(created.map { |task| task.values_at(:name, :context) }).to eq([ [ "ship", { "order_id" => 7 } ] ])
        expect(deferred).to have_attributes(created?: true, task_uuid: deferred.task.task_uuid)
      end

      it "never happens after a rollback" do
        deferred = nil
        transaction do
          deferred = create
          raise ActiveRecord::Rollback
        end
        expect([ created, deferred.created?, deferred.task_uuid ]).to eq([ [], false, nil ])
      end

      it "waits for the outermost transaction" do
        transaction do
          transaction(requires_new: true) { create }
          expect(created).to be_empty
        end
        expect(created.size).to eq(1)
      end

      it "is given up with the savepoint that it was asked for in" do
        transaction do
          transaction(requires_new: true) do
            create("lost")
            raise ActiveRecord::Rollback
          end
          create("kept")
        end
        expect(created.map { |task| task[:name] }).to eq([ "kept" ])
      end

      it "happens at once without a transaction, and in the one that a test puts around itself" do
        expect(create).to be_a(TaskerContribRails::Client::Task)
        ActiveRecord::Base.connection.begin_transaction(joinable: false)
        expect(create).to be_a(TaskerContribRails::Client::Task)
        ActiveRecord::Base.connection.rollback_transaction
      end

      it "does not wait when that is not wanted, by the call or by the setting" do
        transaction do
          expect(create(after_commit: false)).to be_a(TaskerContribRails::Client::Task)
          allow(TaskerContribRails::App).to receive(:settings).and_return({ "after_commit" => false })
          expect(create).to be_a(TaskerContribRails::Client::Task)
          expect(create(after_commit: true)).to be_a(TaskerContribRails::DeferredTask)
        end
      end
    end
  end

  it "takes the context as it was, and refuses a wrong one before the commit" do
    context = { order_id: 1 }
    transaction do
      Tasker.create_task("ship", context)
      context[:order_id] = 2
      expect { Tasker.create_task("ship", "no hash") }.to raise_error(Tasker::InvalidRequestError)
    end
    expect(created.map { |task| task[:context] }).to eq([ { "order_id" => 1 } ])
  end
end
