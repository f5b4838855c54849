# frozen_string_literal: true

require "json"
require_relative "contract"
require_relative "metrics"

module TaskerContribRails
  # Health over HTTP, to be mounted: GET /live and GET /ready; and GET /metrics for Prometheus in a worker and where the app has an outbox.
  #
  # @example config/routes.rb
  #   mount Tasker::Health => "/tasker"
  module Health
    # One component of the answer.
    Check = Data.define(:status, :detail) do
      def failed? = status == "failed"
    end

    class << self
      # @param env [Hash] of Rack
      # @return [Array] of Rack
      def call(env)
        return answer(405, { error: "use GET" }) unless %w[GET HEAD].include?(env["REQUEST_METHOD"])

        case env["PATH_INFO"]
        when "/live" then answer(200, live)
        when "/ready" then ready.then { |body| answer(body[:status] == "ready" ? 200 : 503, body) }
        when "/metrics" then metrics
        else answer(404, { error: "there are /live, /ready and, with a worker or an outbox, /metrics" })
        end
      end

      # @return [Hash] the answer of /live
      def live = { status: "alive" }

      # @return [Hash] the answer of /ready: the state of each component
      def ready
        checks = Contract::HEALTH_COMPONENTS.to_h { |key, name| [ name, send(key) ] }
        { status: checks.values.any?(&:failed?) ? "not_ready" : "ready",
          components: checks.map { |name, check| { name:, status: check.status, detail: check.detail } } }
      end

      private

      def runtime = TaskerContribRails.runtime
      def off = Check.new("off", "this process runs no steps")
      def idle? = runtime.state == :idle
      def check(good, detail) = Check.new(good ? "ok" : "failed", detail)

      def worker
        return off if idle?

        check(runtime.running?, runtime.forked_from ? "forked from process #{runtime.forked_from}" : runtime.state.to_s)
      end

      def database
        return off if idle?

        size = runtime.core_status["database_pool_size"]
        check(size.to_i.positive?, size ? "#{size} connections, #{runtime.core_status["database_pool_idle"]} idle" : "no connection pool")
      end

      def orchestration
        return Check.new("off", "mode is 'off'") if App.settings["mode"] == "off"

        # Everybody may read the answer: the address is in the log.
        good = App.client.healthy?
        TaskerContribRails.logger.warn("not ready: #{App.settings["orchestration.url"]} does not answer") unless good
        check(good, good ? "answers" : "does not answer")
      end

      def dispatcher
        return off if idle? || runtime.dispatcher.nil?

        hung = runtime.dispatcher.hung
        check(hung.empty?, hung.empty? ? "#{runtime.dispatcher.running.size} running" : "hung: #{hung.map(&:handler).uniq.join(", ")}")
      end

      # A worker does not start with a callable that has no handler.
      def templates = idle? ? off : check(runtime.state != :failed, "checked at the start")

      def metrics
        worker = Metrics.of_worker(runtime)
        outbox = Outbox.table? ? Outbox::Metrics.text : nil
        return answer(404, { error: "there are metrics in a worker, and where the app has the table tasker_outbox" }) unless worker || outbox

        prometheus([ worker, outbox ].join)
      rescue ::ActiveRecord::ActiveRecordError => error
        TaskerContribRails.logger.warn("no metrics of the outbox: #{error.class}: #{error.message}")
        # Those of the worker are worth most when the database is away.
        worker ? prometheus(worker) : answer(503, { error: "the outbox cannot be read" })
      end

      def prometheus(text) = [ 200, { "content-type" => Metrics::CONTENT_TYPE, "cache-control" => "no-store" }, [ text ] ]

      def answer(status, body)
        [ status, { "content-type" => "application/json", "cache-control" => "no-store" }, [ JSON.generate(body) ] ]
      end
    end
  end
end
