# frozen_string_literal: true

module Intake
  class PublishHandler < Tasker::StepHandler
    include DocumentStep

    def call(context) = { status: document_of(context).move(to: "published", from: "received") }
  end
end
