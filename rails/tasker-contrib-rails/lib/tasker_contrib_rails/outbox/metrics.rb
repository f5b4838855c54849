# frozen_string_literal: true

module TaskerContribRails
  module Outbox
    # The outbox in Prometheus' text format.
    #
    # @api private
    module Metrics
      # The field of {Counts} that each gauge shows.
      FIELDS = { outbox_open: :open, outbox_dead: :dead, outbox_lag: :lag }.freeze

      class << self
        # @return [String] the rows as they are now; no figures when they cannot be read
        def text
          counts = Outbox.counts
          gauge(:outbox_up, 1) + FIELDS.map { |key, field| gauge(key, counts.public_send(field)) }.join
        rescue ::ActiveRecord::ActiveRecordError => error
          TaskerContribRails.logger.warn("the outbox cannot be read: #{error.class}: #{error.message}")
          gauge(:outbox_up, 0)
        end

        private

        def gauge(...) = TaskerContribRails::Metrics.gauge(...)
      end
    end
  end
end
