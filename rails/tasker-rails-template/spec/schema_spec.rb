# frozen_string_literal: true

require "English"

RSpec.describe "db/schema.rb", :stack do
  # In a child, which alone is connected to another database.
  def dump_of(url)
    output = Tempfile.new("schema.rb")
    pid = fork do
      config = ActiveRecord::DatabaseConfigurations::UrlConfig.new("test", "primary", url)
      ActiveRecord::Tasks::DatabaseTasks.create(config)
      ActiveRecord::Base.establish_connection(config)
      ActiveRecord::Migration.suppress_messages { ActiveRecord::Base.connection_pool.migration_context.migrate }
      ActiveRecord::SchemaDumper.dump(ActiveRecord::Base.connection_pool, output)
      output.close
    ensure
      # What the parent does at its exit is not the child's.
      exit!($ERROR_INFO ? 1 : 0)
    end
    expect(Timeout.timeout(Programs::PATIENCE) { Process.wait2(pid).last }).to be_success
    output.path.then { |path| File.read(path) }
  end

  it "is what the migrations make" do
    TestDatabase.prepare
    expect(dump_of(LocalStack.running.database("app_migrated"))).to eq(Rails.root.join("db/schema.rb").read)
  end
end
