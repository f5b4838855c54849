# frozen_string_literal: true

module Intake
  # Sums up what was read.
  class JoinPagesHandler < Tasker::StepHandler
    include DocumentStep

    def call(context)
      parts = Tasker::BatchResults.of(context, "extract_pages")
      { pages: parts.sum { |part| part["pages"] }, fewest_words: document_of(context).pages.minimum(:words) || 0 }
    end
  end
end
