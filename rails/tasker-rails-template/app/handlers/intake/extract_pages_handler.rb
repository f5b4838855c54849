# frozen_string_literal: true

module Intake
  # Reads the pages of one batch.
  class ExtractPagesHandler < Tasker::BatchWorker
    include DocumentStep

    def call(context)
      document = document_of(context)
      texts = pages_of(document)[batch.start...batch.finish]
      pages = texts.each.with_index(batch.start + 1).map { |text, number| DocumentContent.read_page(number, text).merge(document_id: document.id) }
      Page.upsert_all(pages)
      { pages: pages.size }
    end
  end
end
