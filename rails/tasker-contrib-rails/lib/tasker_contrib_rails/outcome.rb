# frozen_string_literal: true

require "json"
require_relative "contract"
require_relative "errors"
require_relative "utf8"

module TaskerContribRails
  # The outcome of one execution, for every style of handler.
  #
  # @api private
  module Outcome
    # The step is complete. +result+ is what JSON can hold.
    Success = Data.define(:result, :metadata) do
      def initialize(result:, metadata: {}) = super
      def to_s = "complete"
    end

    # The step failed. +retry_after+ is in seconds: what the handler asked for, if it did.
    Failure = Data.define(:message, :error_type, :retryable, :error_code, :retry_after, :status_code, :context, :backtrace, :error) do
      def initialize(message:, error_type: Contract::ERROR_TYPES[:handler], retryable: true, error_code: nil, retry_after: nil,
                     status_code: nil, context: {}, backtrace: nil, error: nil)
        super
      end

      def to_s = "#{error_type}: #{message}"
    end

    # A batch worker stores its progress and wants to be called again.
    Checkpoint = Data.define(:cursor, :items_processed, :accumulated_results) do
      def initialize(cursor:, items_processed:, accumulated_results: nil) = super
    end

    # Stack lines that are stored with a failure.
    BACKTRACE_LINES = 20
    # The native library knows no larger numbers.
    INTEGERS = (-(2**63)..((2**64) - 1))

    module_function

    # @param value [Object] what a handler returned
    # @return [Success, Failure, Checkpoint]
    def of(value)
      case value
      when Success, Failure, Checkpoint then value
      else core_result?(value) ? from_core(value) : success(value)
      end
    end

    # The value as JSON has it: nil becomes {}, what is not an object becomes {"result" => value}.
    def success(value, metadata = {})
      json = value.as_json
      json = json.nil? ? {} : { "result" => json } unless json.is_a?(Hash)
      json = Utf8.tree(json)
      problem = problem_in(json)
      return Failure.new(message: "the result cannot be stored: #{problem}", error_type: Contract::ERROR_TYPES[:validation], retryable: false) if problem

      Success.new(result: json, metadata:)
    end

    # Classifies an error in the same way for every style of handler.
    def from_exception(error)
      type, retryable = classify(error)
      named = error.is_a?(StepError) || core_error?(error)
      message = Utf8.text(error.message)
      Failure.new(message: named ? message : "#{error.class}: #{message}", error_type: Contract::ERROR_TYPES.fetch(type), retryable:,
        error_code: read(error, :error_code)&.to_s, retry_after: seconds(read(error, :retry_after)), status_code: read(error, :status_code),
        context: hash(read(error, :context)), backtrace: error.backtrace&.first(BACKTRACE_LINES)&.map { |line| Utf8.text(line) }, error:)
    end

    def classify(error)
      case error
      when ValidationError then [ :validation, false ]
      when PermanentError then [ :permanent, false ]
      when RetryableError then [ :retryable, true ]
      else core_error?(error) ? classify_core(error) : [ :handler, true ]
      end
    end
    private_class_method :classify

    def classify_core(error)
      return [ :validation, false ] if error.is_a?(TaskerCore::Errors::ValidationError)
      return [ :permanent, false ] if error.is_a?(TaskerCore::Errors::PermanentError)

      retryable = TaskerCore::Errors::ErrorClassifier.retryable?(error)
      [ retryable ? :retryable : :permanent, retryable ]
    end
    private_class_method :classify_core

    def core_error?(error) = defined?(TaskerCore::Errors::Error) && error.is_a?(TaskerCore::Errors::Error)
    private_class_method :core_error?

    def core_result?(value) = value.respond_to?(:checkpoint?) && value.respond_to?(:success?)
    private_class_method :core_result?

    def from_core(value)
      if value.checkpoint?
        return Checkpoint.new(cursor: value.cursor, items_processed: value.items_processed, accumulated_results: value.accumulated_results)
      end

      metadata = value.metadata.to_h
      return success(value.result, metadata.as_json) if value.success?

      retryable = value.retryable
      type = { "PermanentError" => :permanent, "ValidationError" => :validation, "RetryableError" => :retryable }.fetch(value.error_type, retryable ? :handler : :permanent)
      Failure.new(message: Utf8.text(value.message), error_type: Contract::ERROR_TYPES.fetch(type), retryable:, error_code: value.error_code,
        retry_after: seconds(metadata[:retry_after] || metadata["retry_after"]), context: metadata.as_json)
    end
    private_class_method :from_core

    # What the native library would refuse in a result, with its path.
    def problem_in(value, path = "result")
      case value
      when Hash then value.lazy.filter_map { |key, inner| problem_in(inner, "#{path}.#{key}") }.first
      when Array then value.each_with_index.lazy.filter_map { |inner, index| problem_in(inner, "#{path}[#{index}]") }.first
      when Integer then "#{path} is larger than 64 bits" unless INTEGERS.cover?(value)
      when String then "#{path} is not valid UTF-8; encode bytes, with Base64 for example" unless value.valid_encoding?
      end
    end
    private_class_method :problem_in

    def read(error, name) = error.respond_to?(name) ? error.public_send(name) : nil
    private_class_method :read

    def seconds(value) = value.is_a?(Numeric) && value >= 0 ? value : nil
    private_class_method :seconds

    def hash(value) = value.is_a?(Hash) ? Utf8.tree(value.as_json) : {}
    private_class_method :hash
  end
end
