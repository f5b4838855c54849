# frozen_string_literal: true

RSpec.describe Document, :database do
  def outbox = TaskerContribRails::OutboxEntry.order(:id)

  it "is stored once for each key of an owner, with one row of the outbox" do
    ann, bob = person("ann"), person("bob")
    id = SecureRandom.uuid
    take = ->(owner, key) { described_class.take_in(owner, key:, filename: "a\0.txt", content: "abc", request_id: id).id }
    one = take.call(ann, "key-0001")
    expect(take.call(ann, "key-0001")).to eq(one)
    expect([ one, take.call(ann, "key-0002"), take.call(bob, "key-0001") ].uniq.size).to eq(3)
    expect(outbox.pluck(:name, :namespace, :version).uniq).to eq([ [ "intake_document", "intake", "1.0.0" ] ])
    expect(outbox.size).to eq(3)
    expect(outbox.first).to have_attributes(context: { "document_id" => one }, correlation_id: id)
    expect(described_class.find(one)).to have_attributes(filename: "a.txt", status: "received", task_uuid: nil, content: "abc")
  end

  it "leaves nothing behind when its task cannot be written down" do
    allow(Tasker).to receive(:create_task).and_raise(Tasker::InvalidRequestError, "no")
    expect { document("abc") }.to raise_error(Tasker::InvalidRequestError)
    expect(described_class.count).to eq(0)
  end

  it "changes its status only from the expected one" do
    one = document("abc")
    expect(one.move(to: "published", from: "waiting_for_review")).to eq("received")
    expect(one.move(to: "published", from: "received")).to eq("published")
    expect(one.move(to: "infected", from: "received")).to eq("published")
  end

  it "has one answer of a person, with one task" do
    one, rita = document("abc"), person("rita")
    give = ->(approved) { one.answer(rita, approved:, note: "fine", request_id: SecureRandom.uuid) }
    expect(give.call(true)).to be_nil
    one.move(to: "waiting_for_review", from: "received")
    expect([ give.call(true), give.call(false) ].map(&:approved)).to eq([ true, true ])
    expect(outbox.pluck(:name)).to eq(%w[intake_document finish_review])
  end

  it "is refused by the database with a status that there is not" do
    one = document("abc")
    expect { described_class.where(id: one.id).update_all("status = 'lost'") }.to raise_error(ActiveRecord::StatementInvalid, /documents_status_check/)
  end
end
