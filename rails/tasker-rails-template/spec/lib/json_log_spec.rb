# frozen_string_literal: true

RSpec.describe JsonLog do
  let(:output) { StringIO.new }
  let(:logger) { described_class.logger(output) }

  def lines = output.string.lines.map { |line| JSON.parse(line).except("time") }

  it "makes keys of the ids of request, task and step" do
    logger.tagged("request_id=r-1", "tasker", "task=t-1", "step=s-1") { logger.info("stored") }
    logger.warn("outside")
    expect(lines).to eq([ { "level" => "INFO", "tags" => [ "tasker" ], "request_id" => "r-1", "task_uuid" => "t-1", "step_uuid" => "s-1", "message" => "stored" },
                          { "level" => "WARN", "message" => "outside" } ])
  end

  it "writes fields, errors, and anything else in one line" do
    logger.info({ message: "GET /", status: 200 })
    logger.error(RuntimeError.new("broken"))
    logger.info("two\nlines \xFF")
    logger.info(nil)
    expect(lines.map { |line| line["message"] }).to match([ "GET /", /\ARuntimeError: broken/, "two\nlines \uFFFD", "nil" ])
    expect(lines.first["status"]).to eq(200)
  end
end
