# frozen_string_literal: true

RSpec.describe "finish_review", :database do
  def run(document_id) = run_workflow("config/tasks/finish_review.yaml", { document_id: })

  { true => "published", false => "rejected" }.each do |approved, status|
    it "has the document #{status} when approved is #{approved}" do
      one = document("?")
      one.move(to: "waiting_for_review", from: "received")
      one.answer(person("rita"), approved:, note: "", request_id: SecureRandom.uuid)
      run = run(one.id)
      expect(run).to be_complete
      expect(run["notify"].result).to eq("status" => status, "sent" => true)
      expect(one.reload.status).to eq(status)
    end
  end

  it "does not try again for a document without an answer, or without a document" do
    expect(run(document("?").id)["read_answer"]).to have_attributes(attempts: 1, error: /has no review/)
    expect(run(SecureRandom.uuid)["read_answer"]).to have_attributes(attempts: 1, error: /does not exist/)
  end
end
