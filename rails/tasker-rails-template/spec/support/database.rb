# frozen_string_literal: true

# Examples tagged `:database` have the tables, each in a transaction that is rolled back. PostgreSQL is that of APP_DATABASE_URL, in a database whose
# name ends with _test, or the one of tasker-dev.
module TestDatabase
  class << self
    # @return [String] its URL
    def prepare = @url ||= make

    private

    def make
      settings = Rails.configuration.x.settings
      url = ENV["APP_DATABASE_URL"].present? ? settings.test_database_url : LocalStack.running.database("app_test")
      ActiveRecord::Base.configurations = { "test" => { "url" => url, "pool" => settings.db_pool_size } }
      ActiveRecord::Base.establish_connection(:test)
      ENV["VERBOSE"] ||= "false"
      ActiveRecord::Tasks::DatabaseTasks.prepare_all
      url
    end
  end

  def rolled_back
    # Not joinable: what the application calls a transaction is a savepoint, and can be rolled back by itself.
    ActiveRecord::Base.transaction(joinable: false) do
      yield
      raise ActiveRecord::Rollback
    end
  end
end

RSpec.configure do |config|
  config.include TestDatabase, :database
  config.around(:each, :database) do |example|
    TestDatabase.prepare
    RateLimits::STORE.clear
    rolled_back { example.run }
  end
end
