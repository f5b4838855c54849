# frozen_string_literal: true

module Intake
  # What the reviewer said.
  class ReadAnswerHandler < Tasker::StepHandler
    include DocumentStep

    def call(context)
      document = document_of(context)
      review = document.review or raise Tasker::PermanentError, "document #{document.id} has no review"

      { approved: review.approved }
    end
  end
end
