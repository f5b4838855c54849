# frozen_string_literal: true

# Settings of Tasker. They can also come from variables (TASKER_DATABASE__POOL_SIZE), credentials (tasker:) and config/tasker.toml;
# `bin/tasker config` prints each value and where it comes from.
Tasker.configure do |config|
  # PostgreSQL of Tasker; DATABASE_URL if it is not set.
  # config.database.url = "postgresql://user:password@127.0.0.1:5432/tasker"

  # Steps that one worker process runs at the same time. Give config/database.yml a pool of at least as many connections.
  # config.worker.concurrency = 5
end
