# frozen_string_literal: true

RSpec.describe "Documents", :database, type: :request do
  def outbox = TaskerContribRails::OutboxEntry.order(:id)

  it "are stored with the row from which the task is created" do
    sign_in("ann")
    upload
    expect([ status, answer ]).to match([ 202, include("filename" => "letter.txt", "status" => "received", "task_uuid" => nil, "sha256" => Digest::SHA256.hexdigest("three good words")) ])
    expect(outbox.sole).to have_attributes(name: "intake_document", context: { "document_id" => answer["id"] }, correlation_id: response.headers["X-Request-ID"])
    expect(Document.find(answer["id"]).content).to eq("three good words")
    expect(answer.keys).to eq(%w[id filename sha256 status task_uuid created_at])
  end

  it "are the same for the same key" do
    sign_in("ann")
    first, second = Array.new(2) { upload.then { answer } }
    expect(first).to eq(second)
    upload(key: "key-0002")
    sign_in("bob")
    upload
    expect([ first["id"], *Document.pluck(:id) ].uniq.size).to eq(3)
    expect(outbox.size).to eq(3)
  end

  it "are refused with the key of another file, without a key, and without a file" do
    sign_in("ann")
    upload
    upload("something else")
    expect([ status, answer ]).to eq([ 422, { "detail" => "this Idempotency-Key was used with another file" } ])
    upload(key: "short")
    expect([ status, answer ]).to eq([ 422, { "detail" => "the header Idempotency-Key needs 8 to 128 characters" } ])
    submit documents_path, { file: "text" }, headers: { "Idempotency-Key" => "key-0003" }
    expect([ status, answer ]).to eq([ 422, { "detail" => "the form field file is missing, or not a file" } ])
  end

  it "have a largest size" do
    sign_in("ann")
    upload("x" * 1000)
    expect(status).to eq(202)
    upload("x" * 1001, key: "key-0002")
    expect([ status, answer ]).to eq([ 413, { "detail" => "the file has more than 1000 bytes" } ])
  end

  it "are limited for each user" do
    sign_in("ann")
    expect(Array.new(6) { upload.then { status } }).to eq([ 202 ] * 5 + [ 429 ])
    sign_in("bob")
    expect(upload.then { status }).to eq(202)
  end

  it "are seen by their owner and by reviewers" do
    sign_in("ann")
    id = upload.then { answer["id"] }
    expect(get(documents_path).then { answer.pluck("id") }).to eq([ id ])
    expect(%w[ann bob rita].to_h { |name| sign_in(name).then { [ name, get(document_path(id)) ] } }).to eq("ann" => 200, "bob" => 404, "rita" => 200)
    sign_in("bob")
    expect(get(documents_path).then { answer }).to eq([])
  end

  it "are listed, the newest first, and as many as asked for" do
    sign_in("ann")
    ids = %w[key-0001 key-0002].map { |key| upload(key:).then { answer["id"] } }
    Document.where(id: ids.first).update_all(created_at: 1.hour.ago)
    expect(get(documents_path).then { answer.pluck("id") }).to eq(ids.reverse)
    expect(get(documents_path(limit: 1)).then { answer.pluck("id") }).to eq([ ids.last ])
    expect(%w[0 101 many].map { |limit| get(documents_path(limit:)) }).to eq([ 422 ] * 3)
  end

  describe "that wait for a person" do
    let(:path) { document_review_path(@document) }

    before do
      @document = document("hm")
      @document.move(to: "waiting_for_review", from: "received")
    end

    def give(body) = submit(path, body, as: :json)

    it "start the second task with the answer, which counts once" do
      sign_in("rita")
      2.times do
        give({ approved: true, note: "fine" })
        expect([ status, answer ]).to eq([ 202, { "document_id" => @document.id, "approved" => true } ])
      end
      expect(outbox.pluck(:name)).to eq(%w[intake_document finish_review])
      give({ approved: false })
      expect([ status, answer ]).to eq([ 409, { "detail" => "the review has another answer already" } ])
    end

    it "are answered by reviewers only" do
      sign_in("ann")
      give({ approved: true })
      expect([ status, answer ]).to eq([ 403, { "detail" => "only reviewers may do this" } ])
    end

    it "need an answer that can be understood" do
      sign_in("rita")
      [ {}, { approved: "yes" }, { approved: true, more: 1 }, { approved: true, note: "x" * 1001 }, { approved: true, note: 1 } ].each do |body|
        give(body)
        expect([ status, answer["detail"] ]).to match([ 422, /the body is not/ ])
      end
    end

    it "must be there, and must wait" do
      sign_in("rita")
      submit document_review_path(SecureRandom.uuid), { approved: true }, as: :json
      expect(status).to eq(404)
      @document.move(to: "published", from: "waiting_for_review")
      give({ approved: true })
      expect([ status, answer ]).to eq([ 409, { "detail" => "the document waits for no review: it is published" } ])
    end
  end
end
