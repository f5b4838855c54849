# frozen_string_literal: true

module Intake
  class RejectHandler < Tasker::StepHandler
    include DocumentStep

    def call(context) = { status: document_of(context).move(to: "rejected", from: "waiting_for_review") }
  end
end
