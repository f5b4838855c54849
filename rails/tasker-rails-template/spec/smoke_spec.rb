# frozen_string_literal: true

# The application as it is deployed: a web process, a relay and a worker, on the real server.
RSpec.describe "The application", :stack do
  before do
    url = TestDatabase.prepare
    User.find_or_create_by!(email: "smoke@example.org") { |user| user.assign_attributes(password: People::PASSWORD, is_reviewer: true) }
    @environment = { RAILS_ENV: "test", APP_DATABASE_URL: url, DATABASE_URL: LocalStack.running.database_url, TASKER_ORCHESTRATION_URL: LocalStack.running.orchestration_url,
                     PORT: free_port.to_s, LOGIN_RATE: "60/minute", UPLOAD_RATE: "60/minute", TASKER_DATABASE__URL: nil }
  end

  # The programs look at rows that are committed.
  after { [ TaskerContribRails::OutboxEntry, Review, Notice, Page, Document, User ].each(&:delete_all) }

  def start(*command) = program(*command, **@environment)

  # @return [Visitor] who is signed in
  def visitor
    web = "http://127.0.0.1:#{@environment[:PORT]}"
    wait_for("the web process") { serves?("#{web}/tasker/ready") }
    Visitor.new(web).tap { |visitor| expect(visitor.post("/session", json: { email: "smoke@example.org", password: People::PASSWORD })).to be_a(Net::HTTPOK) }
  end

  it "keeps an upload and its task while nothing creates tasks, refuses what is too large, and ends in order" do
    web = start("bundle", "exec", "puma", "--config", "config/puma.rb")
    ann = visitor
    uploaded = ann.upload("a page of words")
    expect(uploaded).to be_a(Net::HTTPAccepted), uploaded.body
    expect(TaskerContribRails::OutboxEntry.pluck(:context)).to include("document_id" => JSON.parse(uploaded.body)["id"])
    expect(ann.get("/tasker/metrics").body).to include("tasker_contrib_outbox_open")
    expect(ann.upload("x" * 20_000)).to be_a(Net::HTTPPayloadTooLarge)
    relay = start("bin/rails", "tasker:outbox:relay")
    wait_for("the relay") { relay.output.include?("relaying tasker_outbox") }
    expect([ web, relay ].map(&:stop)).to eq([ 0, 0 ])
  end

  it "publishes documents with and without a person", if: Gem::Specification.find_all_by_name("tasker-rb").any? do
    start("bundle", "exec", "puma", "--config", "config/puma.rb")
    start("bin/rails", "tasker:outbox:relay")
    worker = start("bin/tasker", "start")
    ann = visitor
    plain, doubtful = [ "a page of words\fand one more page", "?" ].map { |content| JSON.parse(ann.upload(content).body)["id"] }
    becomes = ->(id, status) { wait_for(status) { JSON.parse(ann.get("/documents/#{id}").body)["status"] == status } }
    becomes.call(doubtful, "waiting_for_review")
    expect(ann.post("/documents/#{doubtful}/review", json: { approved: true })).to be_a(Net::HTTPAccepted)
    [ doubtful, plain ].each { |id| becomes.call(id, "published") }
    expect(worker.stop).to eq(0)
  end
end
