# frozen_string_literal: true

module Intake
  class RouteAnswerHandler < Tasker::DecisionHandler
    def call(context)
      route(context.get_dependency_result("read_answer")["approved"] ? "publish_reviewed" : "reject")
    end
  end
end
