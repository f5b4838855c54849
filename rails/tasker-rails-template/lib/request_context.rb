# frozen_string_literal: true

require "securerandom"

# What every request passes first: an id, which the tasks that it creates get as well, security headers, and one line in the log.
class RequestContext
  # Rails gives them to the answers of controllers, this class to all others. Strict-Transport-Security comes from `force_ssl`.
  SECURITY_HEADERS = {
    "cache-control" => "no-store",
    "cross-origin-opener-policy" => "same-origin",
    "cross-origin-resource-policy" => "same-origin",
    "permissions-policy" => "camera=(), geolocation=(), microphone=()",
    "referrer-policy" => "no-referrer",
    "x-content-type-options" => "nosniff",
    "x-frame-options" => "DENY"
  }.freeze
  UUID = /\A\h{8}-\h{4}-\h{4}-\h{4}-\h{12}\z/

  def initialize(app)
    @app = app
  end

  def call(env)
    # ActionDispatch::RequestId takes what is here, and Tasker takes UUIDs only.
    id = env["HTTP_X_REQUEST_ID"] = env["HTTP_X_REQUEST_ID"].to_s[UUID] || SecureRandom.uuid
    Rails.logger.tagged("request_id=#{id}") { answer(env) }
  end

  private

  def answer(env)
    started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    status, headers, body = @app.call(env)
    SECURITY_HEADERS.each { |name, value| headers[name] ||= value }
    headers["content-security-policy"] ||= Rails.configuration.content_security_policy.build
    [ status, headers, body ]
  ensure
    log(ActionDispatch::Request.new(env), status || 500, Process.clock_gettime(Process::CLOCK_MONOTONIC) - started)
  end

  def log(request, status, seconds)
    # Probes come every few seconds.
    level = request.path.start_with?("/tasker/") ? :debug : :info
    # The route's pattern, because a path may have what does not belong in a log.
    route = request.route_uri_pattern&.delete_suffix("(.:format)") || "no route"
    Rails.logger.public_send(level, { message: "#{request.request_method} #{route}", status:, duration_ms: (seconds * 1000).round(1) })
  end
end
