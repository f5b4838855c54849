# frozen_string_literal: true

module Intake
  # Looks for viruses. A busy scanner is asked again, as the template says.
  class ScanHandler < Tasker::StepHandler
    include DocumentStep

    def call(context)
      document = document_of(context)
      # The relay created the task, so nobody could write this down before.
      document.update_columns(task_uuid: context.task_uuid)
      virus = find_virus(document) or return { size: document.content.bytesize }

      document.move(to: "infected", from: "received")
      raise Tasker::PermanentError.new("the scanner found #{virus}", error_code: "INFECTED")
    end

    private

    def find_virus(document)
      VirusScanner.new.find_virus(document.content)
    rescue VirusScanner::Unavailable => error
      raise Tasker::RetryableError, error.message
    end
  end
end
