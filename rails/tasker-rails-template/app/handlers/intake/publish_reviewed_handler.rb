# frozen_string_literal: true

module Intake
  class PublishReviewedHandler < Tasker::StepHandler
    include DocumentStep

    def call(context) = { status: document_of(context).move(to: "published", from: "waiting_for_review") }
  end
end
