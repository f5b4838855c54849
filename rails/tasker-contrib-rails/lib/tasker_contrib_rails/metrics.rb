# frozen_string_literal: true

require_relative "contract"

module TaskerContribRails
  # What /metrics serves, in Prometheus' text format.
  #
  # @api private
  module Metrics
    CONTENT_TYPE = "text/plain; version=0.0.4"

    # Gauges of a process with a worker.
    WORKER = {
      handlers_in_flight: ->(runtime) { runtime.dispatcher.running.size },
      handlers_capacity: ->(runtime) { runtime.capacity },
      handlers_hung: ->(runtime) { runtime.dispatcher.hung.size },
      worker_draining: ->(runtime) { %i[draining stopped].include?(runtime.state) ? 1 : 0 }
    }.freeze

    class << self
      # @param runtime [Runtime]
      # @return [String, nil] nil in a process that has no worker
      def of_worker(runtime)
        return unless runtime.dispatcher && runtime.owned?

        WORKER.map { |key, value| gauge(key, value.call(runtime)) }.join + runtime.dispatcher.executions.text
      end

      # @param key [Symbol] of {Contract::METRICS}
      # @return [String]
      def gauge(key, value) = text(key, [ [ "", {}, value ] ])

      # @param key [Symbol] of {Contract::METRICS}
      # @param samples [Array<Array>] what follows the metric's name, the labels, the value
      # @return [String]
      def text(key, samples)
        metric = Contract::METRICS.fetch(key)
        lines = samples.map { |suffix, labels, value| "#{metric.name}#{suffix}#{braces(labels)} #{value}" }
        [ "# HELP #{metric.name} #{metric.doc}", "# TYPE #{metric.name} #{metric.kind}", *lines, "" ].join("\n")
      end

      private

      def braces(labels)
        labels.empty? ? "" : "{#{labels.map { |name, value| "#{name}=\"#{escaped(value.to_s)}\"" }.join(",")}}"
      end

      def escaped(value) = value.gsub(/[\\"\n]/, "\\" => "\\\\", '"' => '\\"', "\n" => "\\n")
    end
  end
end
