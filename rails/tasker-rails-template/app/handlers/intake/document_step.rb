# frozen_string_literal: true

module Intake
  # What both workflows are about.
  module DocumentStep
    private

    def document_of(context)
      id = context.get_input(:document_id)
      Document.find_by(id:) || raise(Tasker::PermanentError, "document #{id} does not exist")
    end

    def pages_of(document)
      DocumentContent.split_pages(document.content)
    rescue DocumentContent::NotReadable => error
      raise Tasker::PermanentError.new(error.message, error_code: "NOT_READABLE")
    end
  end
end
