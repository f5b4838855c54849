# frozen_string_literal: true

module TaskerContribRails
  # What /metrics serves, in Prometheus' text format.
  #
  # @api private
  module Metrics
    CONTENT_TYPE = "text/plain; version=0.0.4"

    # Gauges of a process with a worker, named as in the other packages.
    WORKER = {
      "tasker_contrib_handlers_in_flight" => [ "Handlers being executed now.", ->(runtime) { runtime.dispatcher.running.size } ],
      "tasker_contrib_handlers_capacity" => [ "Handlers that the worker executes at once, at most; 0 without a worker.", ->(runtime) { runtime.capacity } ],
      "tasker_contrib_handlers_hung" => [ "Handlers that exceeded their timeout and cannot be stopped.", ->(runtime) { runtime.dispatcher.hung.size } ],
      "tasker_contrib_worker_draining" => [ "1 from the start of the drain on.", ->(runtime) { %i[draining stopped].include?(runtime.state) ? 1 : 0 } ]
    }.freeze

    class << self
      # @param runtime [Runtime]
      # @return [String, nil] nil in a process that has no worker
      def of_worker(runtime)
        return unless runtime.dispatcher && runtime.owned?

        WORKER.map { |name, (doc, value)| gauge(name, doc, value.call(runtime)) }.join
      end

      # @return [String] one gauge
      def gauge(name, doc, value) = "# HELP #{name} #{doc}\n# TYPE #{name} gauge\n#{name} #{value}\n"
    end
  end
end
