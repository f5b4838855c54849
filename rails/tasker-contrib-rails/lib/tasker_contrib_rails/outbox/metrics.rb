# frozen_string_literal: true

module TaskerContribRails
  module Outbox
    # The outbox in Prometheus' text format.
    #
    # @api private
    module Metrics
      # The field of {Counts} that each gauge shows.
      FIELDS = { outbox_open: :open, outbox_dead: :dead, outbox_lag: :lag }.freeze

      # @return [String]
      def self.text
        counts = Outbox.counts
        FIELDS.map { |key, field| TaskerContribRails::Metrics.gauge(key, counts.public_send(field)) }.join
      end
    end
  end
end
