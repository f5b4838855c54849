# frozen_string_literal: true

require_relative "../names"

module TaskerContribRails
  class Client
    # The body of a request that creates a task.
    #
    # @api private
    module TaskRequest
      OPTIONS = %i[priority tags correlation_id parent_correlation_id initiator source_system reason].freeze

      module_function

      # @return [Hash]
      # @raise [ArgumentError] an unknown option
      def body((namespace, name, version), context, options, initiator:)
        check_options(options)
        { name:, namespace:, version:, context:, initiator:, source_system: "rails", reason: "requested by the application" }.merge(options.compact)
      end

      # @raise [ArgumentError] an unknown option
      def check_options(options)
        unknown = (options.keys - OPTIONS).first
        return unless unknown
        raise ArgumentError, "ordering_key is an option of the outbox: add outbox: true" if unknown == :ordering_key

        raise ArgumentError, "unknown option #{unknown}#{Names.did_you_mean(unknown, OPTIONS)}"
      end
    end
  end
end
