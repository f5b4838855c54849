# frozen_string_literal: true

# Traces of requests, queries and steps, if the environment asks for them. The SDK reads the other OTEL_… variables itself.
if ENV["OTEL_EXPORTER_OTLP_ENDPOINT"].present?
  begin
    require "opentelemetry/sdk"
    require "opentelemetry/exporter/otlp"
    require "opentelemetry/instrumentation/all"
  rescue LoadError => error
    abort "error: OTEL_EXPORTER_OTLP_ENDPOINT is set, but #{error.path} is not installed: take the # from the opentelemetry gems in the Gemfile and run `bundle install`"
  end
  OpenTelemetry::SDK.configure(&:use_all)
end
