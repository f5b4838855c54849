# frozen_string_literal: true

Rails.application.configure do
  config.enable_reloading = false
  config.eager_load = true
  config.consider_all_requests_local = false
  config.active_record.dump_schema_after_migration = false
  config.active_record.attributes_for_inspect = [ :id ]

  # TLS is the proxy's, which says so in X-Forwarded-Proto. Probes come without it.
  config.force_ssl = true
  config.ssl_options = { redirect: { exclude: ->(request) { request.path.start_with?("/tasker/") } }, hsts: { subdomains: true, expires: 1.year } }
end
