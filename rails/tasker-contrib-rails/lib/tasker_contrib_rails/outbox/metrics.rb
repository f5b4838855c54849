# frozen_string_literal: true

module TaskerContribRails
  module Outbox
    # The outbox in Prometheus' text format.
    #
    # @api private
    module Metrics
      # Gauges, named as in the other packages, with the field of {Counts}.
      NAMES = {
        "tasker_contrib_outbox_open" => [ :open, "Rows of the outbox whose task is still to be created." ],
        "tasker_contrib_outbox_dead" => [ :dead, "Rows of the outbox that wait for a person." ],
        "tasker_contrib_outbox_lag_seconds" => [ :lag, "Age of the oldest open row of the outbox; 0 without one." ]
      }.freeze

      # @return [String]
      def self.text
        counts = Outbox.counts
        NAMES.map { |name, (field, doc)| TaskerContribRails::Metrics.gauge(name, doc, counts.public_send(field)) }.join
      end
    end
  end
end
