# frozen_string_literal: true

# More settings are in config/tasker.toml.
Tasker.configure do |config|
  # A task is a row of the transaction that needs it; `bin/rails tasker:outbox:relay` creates it on the server.
  config.outbox = true
end
