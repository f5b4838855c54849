# frozen_string_literal: true

require "time"

module TaskerContribRails
  # Reads the header Retry-After: seconds, or a date.
  #
  # @api private
  module RetryAfter
    module_function

    # @param text [String, nil]
    # @param now [Time]
    # @return [Float, nil] seconds, 0 or more
    def parse(text, now: Time.now)
      return if text.nil?
      return text.to_f if text.match?(/\A\s*\d+(\.\d+)?\s*\z/)

      [ Time.httpdate(text) - now, 0.0 ].max
    rescue ArgumentError
      nil
    end
  end
end
