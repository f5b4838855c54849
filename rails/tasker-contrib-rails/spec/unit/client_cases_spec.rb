# frozen_string_literal: true

# The requests of operators' calls, which are the same in all languages.
RSpec.describe TaskerContribRails::Client::Operations do
  cases = JSON.load_file(File.expand_path("../../../../xtask/contract/client-cases/cases.json", __dir__))
  task, step = cases.first.fetch("arguments")

  def serve(&)
    @server = HttpServer.new(&)
    TaskerContribRails::Client.new(@server.url, max_retries: 0)
  end

  after { @server&.close }

  cases.each do |row|
    it "#{row["call"]} #{row["options"]}".strip do
      client = serve { [ 200, {}, row["answer"] ] }
      result = client.public_send(row["call"], *row["arguments"], **row.fetch("options", {}).symbolize_keys)
      request = @server.seen.sole
      path, query = request.path.split("?")
      expect([ request.verb, path ]).to eq([ row["method"], row["path"] ])
      expect(URI.decode_www_form(query.to_s).to_h).to eq(row.fetch("query", {}))
      expect(request.body.empty? ? nil : JSON.parse(request.body)).to eq(row["body"])
      wanted = { "list_templates" => row["answer"].is_a?(Hash) ? row["answer"]["templates"] : nil, "update_dead_letter" => nil }.fetch(row["call"], row["answer"])
      expect(result.as_json).to eq(wanted)
    end
  end

  it "has every call, and no other" do
    expect(described_class.public_instance_methods.map(&:to_s)).to match_array(cases.map { |row| row["call"] }.uniq)
  end

  it "takes tasks, steps and entries themselves" do
    client = serve { [ 200, {}, cases.first["answer"] ] }
    found = client.get_step(task, step)
    client.retry_step(task, found, reason: "r", by: "b")
    client.update_dead_letter({ "dlq_entry_uuid" => step }, resolution: "Cancelled", by: "b")
    expect(@server.seen.map(&:path).drop(1)).to eq([ "/v1/tasks/#{task}/workflow_steps/#{step}", "/v1/dlq/entry/#{step}" ])
  end

  it "refuses what is no UUID and no status before a call" do
    client = serve { [ 200, {}, {} ] }
    expect { client.task_summary("x") }.to raise_error(Tasker::InvalidRequestError, /UUID/)
    expect { client.dead_letters(resolution: "pending") }.to raise_error(Tasker::InvalidRequestError, /must be one of Pending, .*, not "pending"/)
    expect(@server.seen).to eq([])
  end

  it "has another time for one call, over the same connections" do
    go = Thread::Queue.new
    client = serve { |request| request.path.end_with?("summary") ? [ 200, {}, {} ] : go.pop }
    client.task_summary(task)
    expect { client.with_timeout(0.05).get_task(task) }.to raise_error(Tasker::UnavailableError, /Timeout/)
    go << :hang_up
    client.task_summary(task)
    expect(@server.seen.map(&:connection)).to eq([ 1, 1, 2 ])
  end

  it "works on the real server", :stack do
    client = TaskerContribRails::Client.new(Stack.running.orchestration_url)
    expect(client.performance(hours: 1)).to include("total_tasks")
    expect(client.bottlenecks).to include("slow_steps")
    expect([ client.dead_letters(resolution: "Pending"), client.dead_letter_stats, client.investigation_queue ]).to eq([ [], [], [] ])
    expect([ client.stale_tasks, client.list_templates ]).to all(be_an(Array))
    missing = [ -> { client.task_summary(task) }, -> { client.get_step(task, step) }, -> { client.step_audit(task, step) }, -> { client.dead_letter(task) },
                -> { client.get_template("no", "such", "1.0.0") }, -> { client.retry_step(task, step, reason: "a test") } ]
    missing.each { |call| expect(&call).to raise_error(Tasker::NotFoundError) }
  end
end
