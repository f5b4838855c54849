# frozen_string_literal: true

module TaskerContribRails
  # Base class of all errors of this gem.
  class Error < StandardError; end

  # Settings, templates or handlers are wrong. The message lists everything that is, each with where it comes from and
  # what to do.
  class ConfigurationError < Error
    # @return [Array<String>] one line for each problem
    attr_reader :problems

    # @param problems [Array<String>, String]
    def initialize(problems)
      @problems = Array(problems)
      super(@problems.one? ? @problems.first : "#{@problems.size} problems:\n#{@problems.map { |line| "  - #{line}" }.join("\n")}")
    end
  end

  # The worker cannot do what was asked: it runs already, was stopped, or could not start.
  class WorkerError < Error; end

  # Tasks cannot be created inside this process: its mode is off.
  class ModeError < Error; end

  # Base of what a handler raises to say whether trying again can help.
  class StepError < Error
    # @return [String, nil] a short code for programs
    attr_reader :error_code
    # @return [Hash] more about it; stored with the step
    attr_reader :context

    # @param message [String]
    # @param error_code [String, nil]
    # @param context [Hash] values that JSON can hold
    def initialize(message = nil, error_code: nil, context: {})
      super(message)
      @error_code = error_code
      @context = context
    end
  end

  # Trying again is useless: the step fails for good.
  #
  # @example
  #   raise Tasker::PermanentError.new("the card was declined", error_code: "DECLINED")
  class PermanentError < StepError; end

  # Trying again may help.
  #
  # @example
  #   raise Tasker::RetryableError.new("the bank is busy", retry_after: 30)
  class RetryableError < StepError
    # @return [Numeric, nil] seconds to wait before the next attempt; nil waits as the template says
    attr_reader :retry_after

    # @param retry_after [Numeric, nil] seconds
    def initialize(message = nil, retry_after: nil, **)
      super(message, **)
      @retry_after = retry_after
    end
  end

  # Permanent: an input, or the handler's result, does not fit.
  class ValidationError < PermanentError; end
end
