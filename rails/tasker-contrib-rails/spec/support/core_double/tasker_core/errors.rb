# frozen_string_literal: true

module TaskerCore
  module Errors
    class Error < StandardError; end
    class ConfigurationError < Error; end
    class DatabaseError < Error; end
    class ProceduralError < Error; end

    class RetryableError < ProceduralError
      attr_reader :retry_after, :context

      def initialize(message, retry_after: nil, context: {})
        super(message)
        @retry_after = retry_after
        @context = context
      end
    end

    class PermanentError < ProceduralError
      attr_reader :error_code, :context

      def initialize(message, error_code: nil, context: {})
        super(message)
        @error_code = error_code
        @context = context
      end
    end

    class ValidationError < PermanentError
      attr_reader :field

      def initialize(message, field: nil, error_code: nil, context: {})
        super(message, error_code:, context:)
        @field = field
      end
    end

    class TimeoutError < ProceduralError; end
    class NetworkError < ProceduralError; end

    class ErrorClassifier
      PERMANENT_ERROR_CLASSES = [ ConfigurationError, PermanentError, ValidationError, DatabaseError ].freeze

      def self.retryable?(error) = PERMANENT_ERROR_CLASSES.none? { |type| error.is_a?(type) }
    end
  end
end
