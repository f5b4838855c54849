# frozen_string_literal: true

# What `bin/tasker check` says.
RSpec.describe "Templates and handlers" do
  it "fit together" do
    expect(TaskerContribRails::App.problems).to eq([])
    expect(TaskerContribRails::App.warnings).to eq([])
  end

  it "decide without looking at a document" do
    words = { "join_pages" => { "fewest_words" => 2 } }
    expect(run_step(Intake::ChooseReviewHandler, results: words, config: { min_words: 3 })).to succeed_with("decision_point_outcome" => include("step_names" => [ "ask_reviewer" ]))
    expect(run_step(Intake::ChooseReviewHandler, results: words, config: { min_words: 2 })).to succeed_with("decision_point_outcome" => include("step_names" => [ "publish" ]))
    expect(run_step(Intake::RouteAnswerHandler, results: { "read_answer" => { "approved" => false } })).to succeed_with("decision_point_outcome" => include("step_names" => [ "reject" ]))
  end
end
