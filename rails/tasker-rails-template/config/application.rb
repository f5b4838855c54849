# frozen_string_literal: true

require_relative "boot"

require "rails"
require "active_record/railtie"
require "action_controller/railtie"

Bundler.require(*Rails.groups)

require_relative "../lib/json_log"
require_relative "../lib/request_context"
require_relative "../lib/settings"

module DocumentIntake
  class Application < Rails::Application
    config.load_defaults 7.2
    config.autoload_lib(ignore: %w[json_log.rb request_context.rb settings.rb tasks])

    settings = config.x.settings = Settings.load!
    config.secret_key_base = settings.secret_key_base
    config.log_level = settings.log_level
    config.logger = JsonLog.logger($stdout) unless Rails.env.test?

    config.generators.system_tests = nil
    config.generators { |generate| generate.orm :active_record, primary_key_type: :uuid }

    config.session_store :cookie_store, key: "_session", expire_after: settings.session_minutes.minutes,
      same_site: :strict, secure: Rails.env.production?

    # Writes one line for each request, where Rails would write three.
    config.middleware.insert_before 0, RequestContext
    config.middleware.delete Rails::Rack::Logger
    config.action_dispatch.default_headers = RequestContext::SECURITY_HEADERS
  end
end
