# frozen_string_literal: true

module TaskerCore
  module Types
    module StepHandlerCallResult
      Success = Data.define(:success, :result, :metadata) do
        def success? = true
        def checkpoint? = false
      end
      Error = Data.define(:success, :error_type, :message, :error_code, :retryable, :metadata) do
        def success? = false
        def checkpoint? = false
      end
      CheckpointYield = Data.define(:cursor, :items_processed, :accumulated_results) do
        def success? = false
        def checkpoint? = true
      end
      ERROR_TYPES = %w[PermanentError RetryableError ValidationError UnexpectedError StepCompletionError].freeze

      class << self
        def success(result:, metadata: {}) = Success.new(success: true, result:, metadata:)

        def error(error_type:, message:, error_code: nil, retryable: false, metadata: {})
          raise ArgumentError, "#{error_type} is not an error type" unless ERROR_TYPES.include?(error_type)

          Error.new(success: false, error_type:, message:, error_code:, retryable:, metadata:)
        end

        def checkpoint_yield(cursor:, items_processed:, accumulated_results: nil) = CheckpointYield.new(cursor:, items_processed:, accumulated_results:)

        def from_handler_output(output)
          return output if [ Success, Error, CheckpointYield ].any? { |type| output.is_a?(type) }

          hash = output.is_a?(Hash) ? output.with_indifferent_access : {}
          case hash[:success]
          when true then success(result: hash[:result] || output, metadata: hash[:metadata] || {})
          when false
            error(error_type: hash[:error_type] || "UnexpectedError", message: hash[:message] || "Unknown error", error_code: hash[:error_code],
              retryable: hash[:retryable] || false, metadata: hash[:metadata] || {})
          else success(result: output, metadata: { wrapped: true, original_type: output.class.name })
          end
        end
      end
    end

    HandlerDefinition = Data.define(:callable, :initialization, :handler_method, :resolver) do
      def initialize(callable:, initialization: {}, handler_method: nil, resolver: nil) = super
    end
  end
end
