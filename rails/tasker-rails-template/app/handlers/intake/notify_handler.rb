# frozen_string_literal: true

module Intake
  # Tells the owner where the document stands. Put the e-mail of yours here.
  class NotifyHandler < Tasker::StepHandler
    include DocumentStep

    def call(context)
      document = document_of(context)
      sent = Notice.insert({ document_id: document.id, status: document.status }).any?
      logger.info("the owner of #{document.id} is told: #{document.status}") if sent
      { status: document.status, sent: }
    end
  end
end
