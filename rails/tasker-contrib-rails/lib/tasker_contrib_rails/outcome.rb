# frozen_string_literal: true

require_relative "contract"
require_relative "errors"
require_relative "storable"

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

    module_function

    # @param value [Object] what a handler returned
    # @return [Success, Failure, Checkpoint] that Core can store
    def of(value)
      case value
      when Success, Failure then value
      when Checkpoint then checkpoint(value.cursor, value.items_processed, value.accumulated_results)
      else core_result?(value) ? from_core(value) : success(value)
      end
    rescue Storable::Refused => error
      refused("the result cannot be stored: #{error.message}")
    end

    # The value as JSON has it: nil becomes {}, what is not an object becomes {"result" => value}.
    def success(value, metadata = {})
      json = Storable.json(value, "result")
      json = json.nil? ? {} : { "result" => json } unless json.is_a?(Hash)
      Success.new(result: json, metadata:)
    end

    # Classifies an error in the same way for every style of handler.
    def from_exception(error)
      type, retryable = classify(error)
      named = error.is_a?(StepError) || core_error?(error)
      message = Storable.message(error)
      Failure.new(message: named ? message : "#{error.class}: #{message}", error_type: Contract::ERROR_TYPES.fetch(type), retryable:,
        error_code: read(error, :error_code)&.then { |code| Storable.text(code) }, retry_after: seconds(read(error, :retry_after)),
        status_code: read(error, :status_code), context: details(read(error, :context)), backtrace: backtrace(error), error:)
    end

    # @return [Failure] for good: what the handler returned is not right
    def refused(message)
      Failure.new(message: Storable.text(message), error_type: Contract::ERROR_TYPES[:validation], retryable: false)
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

    def core_result?(value)
      value.respond_to?(:checkpoint?) && value.respond_to?(:success?)
    rescue NoMethodError
      false # a BasicObject
    end
    private_class_method :core_result?

    def checkpoint(cursor, items_processed, accumulated_results)
      Checkpoint.new(cursor: Storable.json(cursor, "cursor"), items_processed:, accumulated_results: Storable.json(accumulated_results, "accumulated_results"))
    end
    private_class_method :checkpoint

    def from_core(value)
      return checkpoint(value.cursor, value.items_processed, value.accumulated_results) if value.checkpoint?

      metadata = value.metadata.to_h
      return success(value.result, details(metadata)) if value.success?

      retryable = value.retryable
      type = { "PermanentError" => :permanent, "ValidationError" => :validation, "RetryableError" => :retryable }.fetch(value.error_type, retryable ? :handler : :permanent)
      Failure.new(message: Storable.text(value.message), error_type: Contract::ERROR_TYPES.fetch(type), retryable:, error_code: value.error_code&.then { |code| Storable.text(code) },
        retry_after: seconds(metadata[:retry_after] || metadata["retry_after"]), context: details(metadata))
    end
    private_class_method :from_core

    # What an app's error says about itself; it may raise.
    def read(error, name)
      error.public_send(name) if error.respond_to?(name)
    rescue Exception # rubocop:disable Lint/RescueException
      nil
    end
    private_class_method :read

    # Seconds that can be waited.
    def seconds(value)
      value if value.is_a?(Numeric) && value.real? && value.finite? && value >= 0
    end
    private_class_method :seconds

    # What comes beside a failure or a result is not worth losing either.
    def details(value)
      value.is_a?(Hash) ? Storable.json(value, "metadata") : {}
    rescue Storable::Refused => error
      TaskerContribRails.logger.warn("left out what is stored beside the outcome of a step: #{Storable.text(error.message)}")
      {}
    end
    private_class_method :details

    def backtrace(error)
      lines = read(error, :backtrace)
      lines.first(BACKTRACE_LINES).map { |line| Storable.text(line) } if lines.is_a?(Array)
    end
    private_class_method :backtrace
  end
end
