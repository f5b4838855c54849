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

    # Counts by the labels of a metric; shared between threads.
    class Counter
      # @param key [Symbol] of {Contract::METRICS}
      def initialize(key)
        @key = key
        @lock = Mutex.new
        @counts = Hash.new(0)
      end

      # @param values [Array] of the labels, in their order
      def add(*values)
        @lock.synchronize { @counts[values] += 1 }
      end

      # Shows these at 0: Prometheus sees no increase in a series that begins at 1, so the first failure of a handler would be missed.
      #
      # @param series [Enumerable<Array>] values of the labels, in their order
      def expect(series)
        @lock.synchronize { series.each { |values| @counts[values] += 0 } }
      end

      # @return [String]
      def text
        labels = Contract::METRICS.fetch(@key).labels
        Metrics.text(@key, @lock.synchronize { @counts.to_a }.map { |values, count| [ "", labels.zip(values), count ] })
      end
    end

    # Calls of this process.
    CLIENT_REQUESTS = Counter.new(:client_requests)

    class << self
      # @param runtime [Runtime]
      # @return [String, nil] nil in a process that has no worker
      def of_worker(runtime)
        return unless runtime.dispatcher && runtime.owned?

        gauges = WORKER.map { |key, value| gauge(key, value.call(runtime)) }
        [ *gauges, runtime.dispatcher.executions.text, CLIENT_REQUESTS.text ].join
      end

      # @param key [Symbol] of {Contract::METRICS}
      # @return [String]
      def gauge(key, value) = text(key, [ [ "", {}, value ] ])

      # @param key [Symbol] of {Contract::METRICS}
      # @param samples [Array<Array>] what follows the metric's name; the labels, as pairs; the value
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
