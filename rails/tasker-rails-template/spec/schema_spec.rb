# frozen_string_literal: true

RSpec.describe "db/schema.rb", :stack do
  it "is what the migrations make" do
    TestDatabase.prepare
    tasks, url = ActiveRecord::Tasks::DatabaseTasks, LocalStack.running.database("app_migrated")
    config = ActiveRecord::DatabaseConfigurations::UrlConfig.new("test", "migrated", url)
    tasks.create(config)
    dumped = tasks.send(:with_temporary_pool, config) do |pool|
      ActiveRecord::Migration.suppress_messages { pool.migration_context.migrate }
      StringIO.new.tap { |output| ActiveRecord::SchemaDumper.dump(pool, output) }.string
    end
    expect(dumped).to eq(Rails.root.join("db/schema.rb").read)
  end
end
