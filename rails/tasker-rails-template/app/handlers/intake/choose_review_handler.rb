# frozen_string_literal: true

module Intake
  # A page with hardly a word on it was not read well: a person has to look.
  class ChooseReviewHandler < Tasker::DecisionHandler
    def call(context)
      fewest_words = context.get_dependency_result("join_pages")["fewest_words"]
      route(fewest_words < config[:min_words] ? "ask_reviewer" : "publish", fewest_words:)
    end
  end
end
