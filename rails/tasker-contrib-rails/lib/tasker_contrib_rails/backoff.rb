# frozen_string_literal: true

module TaskerContribRails
  # How long to wait before a step is tried again: the template's +retry+, which Core leaves out for Ruby steps.
  #
  # @api private
  module Backoff
    DEFAULT_BASE_MS = 1000
    DEFAULT_MAX_MS = 30_000
    # Larger exponents cannot be computed.
    MOST_ATTEMPTS = 64
    # Seconds that fit into Core's number. It ignores larger ones, and tries again at once.
    LONGEST_SECONDS = (2**32) - 1

    module_function

    # @param retry_table [Hash, nil] the step's +retry+; missing keys have Core's documented defaults
    # @param attempt [Integer] which attempt failed; the first one is 1
    # @return [Integer] milliseconds
    def delay_ms(retry_table, attempt)
      table = (retry_table || {}).transform_keys(&:to_s)
      base = table["backoff_base_ms"] || DEFAULT_BASE_MS
      limit = table["max_backoff_ms"] || DEFAULT_MAX_MS
      attempt = attempt.clamp(1, MOST_ATTEMPTS)
      kind = table["backoff"] || "exponential"
      factor = case kind
      when "none" then 0
      when "linear" then attempt
      when "exponential" then 2**(attempt - 1)
      when "fibonacci" then fibonacci(attempt)
      else 1
      end
      [ base * factor, limit ].min.to_i
    end

    # Whole seconds, the only delay that Core honours: rounded up, never shorter than promised. What the handler asked for
    # counts more than the template.
    #
    # @param asked [Numeric, nil] seconds
    # @return [Integer]
    def seconds(retry_table, attempt, asked)
      [ asked ? asked.ceil : (delay_ms(retry_table, attempt) / 1000.0).ceil, LONGEST_SECONDS ].min
    end

    def fibonacci(count)
      (count - 1).times.inject([ 1, 1 ]) { |(a, b), _| [ b, a + b ] }.first
    end
    private_class_method :fibonacci
  end
end
