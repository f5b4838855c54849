# frozen_string_literal: true

# The workflow from end to end, in memory.
RSpec.describe "intake_document", :database do
  page = "a page with enough words"

  def run(document) = run_workflow("config/tasks/intake_document.yaml", { document_id: document.id })

  it "publishes a readable document" do
    one = document(([ page ] * 45).join("\f"))
    run = run(one)
    expect(run).to be_complete
    expect(run["join_pages"].result).to eq("pages" => 45, "fewest_words" => 5)
    expect(run["notify"].result).to eq("status" => "published", "sent" => true)
    expect(run.steps).not_to include("ask_reviewer")
    expect(run.steps.keys.grep(/\Aextract_pages_/).size).to eq(3)
    expect(one.reload).to be_published.and have_attributes(task_uuid: be_present)
    expect(one.pages.order(:number).pluck(:number, :words)).to eq((1..45).map { |number| [ number, 5 ] })
  end

  it "gives a page that was not read well to a person" do
    one = document("#{page}\f?")
    expect(run(one)["notify"].result).to include("status" => "waiting_for_review")
    expect(one.reload).to be_waiting_for_review
  end

  it "asks a busy scanner again" do
    calls = 0
    allow_any_instance_of(VirusScanner).to receive(:find_virus) { (calls += 1) < 3 ? raise(VirusScanner::Unavailable, "the scanner is busy") : nil }
    run = run(document(page))
    expect(run).to be_complete
    expect(run["scan"]).to have_attributes(attempts: 3, delays: all(be_positive))
  end

  it "ends with a virus" do
    one = document("hello #{VirusScanner::EICAR}")
    run = run(one)
    expect(run).not_to be_complete
    expect(run["scan"]).to have_attributes(attempts: 1, error: /EICAR-Test-File/)
    expect(one.reload).to be_infected
  end

  it "does not try again what is not text" do
    expect(run(document("\xFF\xFE".b))["split"]).to have_attributes(attempts: 1, error: /byte 0 is not UTF-8/)
  end

  it "tells nobody twice when it runs twice" do
    one = document(page)
    expect([ run(one), run(one) ].map { |run| run["notify"].result["sent"] }).to eq([ true, false ])
    expect(one.notices.count).to eq(1)
  end

  it "does not try again for a document that does not exist" do
    run = run_workflow("config/tasks/intake_document.yaml", { document_id: SecureRandom.uuid })
    expect(run["scan"]).to have_attributes(attempts: 1, error: /does not exist/)
  end
end
