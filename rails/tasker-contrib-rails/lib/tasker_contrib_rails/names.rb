# frozen_string_literal: true

require "did_you_mean"

module TaskerContribRails
  # Suggestions for misspelt names.
  #
  # @api private
  module Names
    module_function

    # @param name [#to_s] what was written
    # @param known [Enumerable<String>] what could be meant
    # @return [String] +"; did you mean 'x'?"+, or nothing
    def did_you_mean(name, known)
      candidates = known.map(&:to_s)
      found = candidates.find { |candidate| candidate.start_with?("#{name}_") }
      found ||= DidYouMean::SpellChecker.new(dictionary: candidates).correct(name.to_s).first
      # The other usual mistake: the right last word in a wrong or missing section.
      found ||= candidates.find { |candidate| candidate.split(".").last == name.to_s.split(".").last }
      found ? "; did you mean '#{found}'?" : ""
    end
  end
end
