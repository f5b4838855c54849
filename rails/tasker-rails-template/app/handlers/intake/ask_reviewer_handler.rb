# frozen_string_literal: true

module Intake
  # Leaves the document to a reviewer. No step waits for the answer: it starts another task.
  class AskReviewerHandler < Tasker::StepHandler
    include DocumentStep

    def call(context) = { status: document_of(context).move(to: "waiting_for_review", from: "received") }
  end
end
