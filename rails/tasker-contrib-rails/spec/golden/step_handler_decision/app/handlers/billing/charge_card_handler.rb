# frozen_string_literal: true

# Chooses which steps run next. The names are steps of the template below this one; the others never exist. A step below a decision may
# depend on the decision or on its siblings only; it sees the results of everything before the decision anyway.
class Billing::ChargeCardHandler < Tasker::DecisionHandler
  def call(context)
    score = context.get_input(:score)
    raise Tasker::PermanentError, "the context has no score" unless score.is_a?(Numeric)

    score >= config.fetch(:threshold, 0.5) ? route("accept", score: score) : route("reject", score: score)
  end
end
