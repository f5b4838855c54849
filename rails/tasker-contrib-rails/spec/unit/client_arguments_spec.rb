# frozen_string_literal: true

require "action_controller"

RSpec.describe TaskerContribRails::Client, "what never reaches the server" do
  before { @server = HttpServer.new { [ 200, {}, {} ] } }

  after do
    expect(@server.seen).to be_empty
    @server.close
  end

  def client(**) = described_class.new(@server.url, **)

  it "refuses parameters that are not permitted, also deep inside" do
    parameters = ActionController::Parameters.new(order: 1)
    expect { client.create_task("ship", parameters) }.to raise_error(TaskerContribRails::InvalidRequestError, /not permitted.*permit/)
    expect { client.create_task("ship", { a: [ parameters ] }) }.to raise_error(TaskerContribRails::InvalidRequestError)
  end

  it "refuses what is no JSON object, a UUID, a status, or a page" do
    expect { client.create_task("ship", [ 1 ]) }.to raise_error(TaskerContribRails::InvalidRequestError, /must be a hash, not Array/)
    expect { client.get_task("1/../2") }.to raise_error(TaskerContribRails::InvalidRequestError, /is not the UUID/)
    expect { client.list_tasks(status: "error") }.to raise_error(TaskerContribRails::InvalidRequestError, /'pending' or 'completed'/)
    expect { client.list_tasks(per_page: 101) }.to raise_error(TaskerContribRails::InvalidRequestError)
    expect { client.create_task("ship", {}, priorty: 1) }.to raise_error(ArgumentError, /did you mean 'priority'/)
    expect { client.create_task("ship", {}, on_conflict: :ignore) }.to raise_error(ArgumentError)
  end

  it "checks the context against the local input_schema" do
    template = Struct.new(:identity, :input_schema)
    local = [ template.new([ "shop", "ship", "1.0.0" ], { "type" => "object", "required" => [ "order" ], "properties" => { "order" => { "type" => "integer" } } }) ]
    tasks = client(templates: -> { local })
    expect { tasks.create_task("ship", {}, namespace: "shop") }
      .to raise_error(TaskerContribRails::InvalidRequestError, %r{input_schema of shop/ship 1.0.0.*order is missing})
    expect { tasks.create_task("ship", { order: "x" }, namespace: "shop") }
      .to raise_error(TaskerContribRails::InvalidRequestError, /order: is not a valid integer/)
  end
end
