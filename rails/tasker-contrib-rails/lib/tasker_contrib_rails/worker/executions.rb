# frozen_string_literal: true

require_relative "../metrics"

module TaskerContribRails
  module Worker
    # Counts and times the executions of handlers, for Prometheus.
    #
    # @api private
    class Executions
      # Upper limits of the histogram's buckets, in seconds.
      BUCKETS = [ 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300 ].freeze

      def initialize
        @counts = Metrics::Counter.new(:handler_executions)
        @lock = Mutex.new
        @seconds = Hash.new(0.0)
        @buckets = Hash.new { |all, handler| all[handler] = Array.new(BUCKETS.size + 1, 0) }
      end

      # Shows every outcome of these handlers at 0.
      #
      # @param handlers [Enumerable<String>] their callables
      def expect(handlers)
        @counts.expect(handlers.to_a.product(Contract::METRICS.fetch(:handler_executions).outcomes))
      end

      # @param handler [String] its callable
      # @param outcome [String] completed, failed, retryable, timed_out, checkpointed or cut
      # @param seconds [Float] from the call to the outcome
      def add(handler, outcome, seconds)
        @counts.add(handler, outcome)
        @lock.synchronize do
          @seconds[handler] += seconds
          @buckets[handler][BUCKETS.bsearch_index { |limit| seconds <= limit } || BUCKETS.size] += 1
        end
      end

      # @return [String]
      def text
        samples = @lock.synchronize { @buckets.flat_map { |handler, buckets| durations(handler, buckets) } }
        @counts.text + Metrics.text(:handler_duration, samples)
      end

      private

      # Each bucket counts those below it, too.
      def durations(handler, buckets)
        total = 0
        counted = [ *BUCKETS, "+Inf" ].zip(buckets).map { |limit, count| [ "_bucket", { handler:, le: limit }, total += count ] }
        [ *counted, [ "_sum", { handler: }, @seconds[handler] ], [ "_count", { handler: }, total ] ]
      end
    end
  end
end
