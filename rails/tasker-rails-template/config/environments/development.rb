# frozen_string_literal: true

Rails.application.configure do
  config.enable_reloading = true
  config.eager_load = false
  config.consider_all_requests_local = true
  config.active_record.migration_error = :page_load
  config.active_record.verbose_query_logs = true
  # In the image nothing can be written.
  config.active_record.dump_schema_after_migration = File.writable?(File.expand_path("../../db", __dir__))
end
