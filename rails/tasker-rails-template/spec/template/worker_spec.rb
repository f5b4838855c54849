# frozen_string_literal: true

# The programs of the application where the gem of Tasker Core is not: tasks are created on the real server, steps run on the double of Core of the gem's tests.
RSpec.describe "The application without tasker-rb", :stack do
  double = Rails.root.join("../tasker-contrib-rails/spec/support/core_double").to_s

  before do
    @url = TestDatabase.prepare
    @journal, @steps = %w[journal steps].map { |name| Tempfile.new(name) }
    @environment = { RAILS_ENV: "test", APP_DATABASE_URL: @url, DATABASE_URL: LocalStack.running.database_url, TASKER_ORCHESTRATION_URL: LocalStack.running.orchestration_url,
                     RUBYLIB: double, TASKER_DOUBLE_JOURNAL: @journal.path, TASKER_DOUBLE_STEPS: @steps.path }
  end

  after { [ TaskerContribRails::OutboxEntry, Page, Document, User ].each(&:delete_all) }

  # What a worker's start does.
  def register(path)
    template = YAML.safe_load_file(path)
    PG.connect(LocalStack.running.database_url).then do |server|
      id = server.exec_params("INSERT INTO tasker.task_namespaces (name, created_at, updated_at) VALUES ($1, now(), now()) RETURNING task_namespace_uuid", [ template["namespace_name"] ])
      server.exec_params("INSERT INTO tasker.named_tasks (name, version, task_namespace_uuid, configuration, created_at, updated_at) VALUES ($1, $2, $3, $4, now(), now())",
        [ template["name"], template["version"], id[0]["task_namespace_uuid"], JSON.generate(template) ])
    ensure
      server.close
    end
  end

  def journal(event) = File.readlines(@journal.path).map { |line| JSON.parse(line) }.select { |line| line["event"] == event }

  it "creates the task of an upload on the server, and runs steps until it is told to stop" do
    register("config/tasks/intake_document.yaml")
    one = Document.take_in(person("ann"), key: "key-0001", filename: "letter.txt", content: "a page\fanother", request_id: SecureRandom.uuid)
    correlation_id = TaskerContribRails::OutboxEntry.sole.correlation_id
    relay = program("bin/rails", "tasker:outbox:relay", **@environment)
    wait_for("the relay") { TaskerContribRails::OutboxEntry.none? }
    client = TaskerContribRails::Client.new(LocalStack.running.orchestration_url)
    created = client.list_tasks(namespace: "intake").find { |task| task.correlation_id == correlation_id }
    expect(client.get_task(created)).to have_attributes(name: "intake_document", context: { "document_id" => one.id })
    expect(client.steps(created).map(&:name)).to include("scan", "split")

    @steps.write(JSON.generate([ { callable: "Intake::ScanHandler", step: "scan", context: { document_id: one.id } },
                                 { callable: "Intake::ExtractPagesHandler", step: "extract_pages_001", context: { document_id: one.id },
                                   inputs: { cursor: { batch_id: "001", start_cursor: 0, end_cursor: 2 } } } ]))
    @steps.flush
    worker = program("bin/tasker", "start", **@environment)
    wait_for("both steps") { journal("complete").size == 2 }
    expect(journal("complete")).to all(include("success" => true)), worker.output
    expect(one.reload.task_uuid).to be_present
    expect(one.pages.order(:number).pluck(:text)).to eq([ "a page", "another" ])
    expect([ worker, relay ].map(&:stop)).to eq([ 0, 0 ])
  end
end
