# frozen_string_literal: true

require "securerandom"

# The client against the real orchestration server.
RSpec.describe TaskerContribRails::Client, :stack do
  before(:context) do
    @template = { "name" => "greet", "namespace_name" => "rails_client", "version" => "1.0.0",
                  "steps" => [ { "name" => "hello", "handler" => { "callable" => "HelloHandler" } } ] }
    Stack.register(@template)
  end

  let(:client) { described_class.new(Stack.running.orchestration_url) }
  let(:nonce) { SecureRandom.uuid }

  def create(**) = client.create_task("greet", { nonce: }, namespace: "rails_client", **)

  it "creates, gets, lists and cancels tasks, and shows their steps" do
    task = create(priority: 5, tags: [ "a" ], reason: "because")
    expect(task).to have_attributes(name: "greet", namespace: "rails_client", context: { "nonce" => nonce }, ended?: false)
    expect(client.get_task(task)).to have_attributes(task_uuid: task.task_uuid, priority: 5, created_at: be_within(60).of(Time.now))
    expect(client.list_tasks(namespace: "rails_client").map(&:task_uuid)).to include(task.task_uuid)
    expect(client.list_tasks(namespace: "rails_client", per_page: 1, status: :pending)).to have_attributes(per_page: 1)
    expect(client.steps(task)).to match([ have_attributes(name: "hello", result: nil, error: nil) ])
    expect(client.cancel_task(task.task_uuid)).to have_attributes(status: "cancelled", ended?: true, succeeded?: false, failed?: true)
    expect(client.wait(task, timeout: 30).status).to eq("cancelled")
  end

  it "raises for the same context, or gives the task that exists" do
    task = create
    expect { create }.to raise_error(TaskerContribRails::ConflictError)
    expect(create(on_conflict: :return).task_uuid).to eq(task.task_uuid)
  end

  it "says that no worker registered a template" do
    expect { client.create_task("nothing", {}, namespace: "rails_client") }
      .to raise_error(TaskerContribRails::NotFoundError, %r{rails_client/nothing 1.0.0 is not registered: a worker registers})
  end

  it "stops waiting and says how far the task is" do
    task = create
    progress = []
    expect { client.wait(task, timeout: 0.1) { |current| progress << current.total_steps } }
      .to raise_error(TaskerContribRails::WaitTimeoutError, /still '.+' after 0.1 s \(0 of 1 steps complete\)/)
    expect(progress).not_to be_empty
  end

  it "knows whether the server answers" do
    expect(client).to be_healthy
    expect(described_class.new("http://127.0.0.1:1")).not_to be_healthy
  end

  it "raises for a task that is not there" do
    expect { client.get_task(SecureRandom.uuid) }.to raise_error(TaskerContribRails::NotFoundError)
  end
end
