# frozen_string_literal: true

require_relative "../lib/settings"

settings = Settings.load!

# A thread without a connection could only wait for one.
most = [ Integer(ENV.fetch("RAILS_MAX_THREADS", 5)), settings.db_pool_size ].min
threads most, most
port ENV.fetch("PORT", 3000)
environment ENV.fetch("RAILS_ENV", "development")

# A larger body is refused before it is read.
http_content_length_limit settings.max_upload_bytes + Settings::ENVELOPE_BYTES

# A stop is no error: process 1 of a container ends with 0.
raise_exception_on_sigterm false

# On Kubernetes the worker answers probes, so it is a Puma that runs steps. Elsewhere steps run in `bin/tasker start`.
plugin :tasker if ENV["TASKER_MODE"] == "worker"
