# frozen_string_literal: true

module Intake
  # Cuts the document into batches of pages, which are read side by side.
  class SplitHandler < Tasker::BatchAnalyzer
    include DocumentStep

    def call(context)
      batches(total_items: pages_of(document_of(context)).size, batch_size: config[:pages_per_batch], worker: "extract_pages")
    end
  end
end
