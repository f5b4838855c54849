# frozen_string_literal: true

Rails.application.configure do
  config.enable_reloading = false
  config.eager_load = ENV["CI"].present?
  config.consider_all_requests_local = true
  # The tests load db/schema.rb, and do not write it.
  config.active_record.dump_schema_after_migration = false
  config.action_dispatch.show_exceptions = :rescuable
  # As in production; Rails would leave it out of tests.
  config.action_controller.allow_forgery_protection = true
end
