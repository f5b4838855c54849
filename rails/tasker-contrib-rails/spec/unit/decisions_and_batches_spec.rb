# frozen_string_literal: true

# Steps that Core treats in a way of its own, through the double.
RSpec.describe "Decisions and batches", :worker do
  before do
    handler("Decide", TaskerContribRails::DecisionHandler) { |context| context.get_input(:skip) ? skip("why") : route(*context.get_input(:to)) }
    handler("Analyze", TaskerContribRails::BatchAnalyzer) { |context| batches(total_items: context.get_input(:items), batch_size: 2, worker: "work") }
    handler("Work", TaskerContribRails::BatchWorker) do |context|
      next checkpoint(cursor: batch.cursor + 1, items_processed: 1) if context.get_input(:pause) && !context.has_checkpoint?

      { range: [ batch.id, batch.start, batch.finish, batch.size ], cursor: batch.cursor }
    end
    handler("End") { |_| {} }
    config = { "batch_size" => 2, "parallelism" => 1, "cursor_field" => "row", "worker_template" => "work", "failure_strategy" => "continue_on_failure" }
    template(steps: [
      { "name" => "start", "handler" => { "callable" => "End" } },
      { "name" => "decide", "type" => "decision", "dependencies" => [ "start" ], "handler" => { "callable" => "Decide" } },
      { "name" => "yes", "dependencies" => [ "decide" ], "handler" => { "callable" => "End" } },
      { "name" => "both", "dependencies" => [ "decide", "start" ], "handler" => { "callable" => "End" } },
      { "name" => "analyze", "type" => "batchable", "handler" => { "callable" => "Analyze", "initialization" => { "worker_template_name" => "work" } } },
      { "name" => "work", "type" => "batch_worker", "dependencies" => [ "analyze" ], "handler" => { "callable" => "Work" }, "batch_config" => config }
    ])
    start
  end

  it "leave Ruby's own Range to handlers" do
    expect(Class.new(TaskerContribRails::BatchWorker).const_get(:Range)).to equal(Range)
  end

  it "passes good decisions on" do
    expect(answer(callable: "Decide", step: "decide", context: { to: [ "yes" ] })["result"])
      .to eq("decision_point_outcome" => { "type" => "create_steps", "step_names" => [ "yes" ] })
    expect(answer(callable: "Decide", step: "decide", context: { skip: true })["result"]["decision_point_outcome"]).to eq("type" => "no_branches")
  end

  it "fails a bad one: Core would only log it and complete the task" do
    messages = [ [ "start" ], [ "yess" ], [ "both" ], [] ].map { |to| answer(callable: "Decide", step: "decide", context: { to: })["error"] }
    expect(messages.map { |error| error["retryable"] }).to eq([ false ] * 4)
    expect(messages.map { |error| error["message"] }).to match([ /'start' is not downstream of decision 'decide'/, /'yess' is not downstream.*did you mean 'yes'/, /'both' would be linked to 'decide' twice/, /at least one step/ ])
  end

  it "makes ranges, also of zero items, which Core's own analyzer raises on" do
    outcome = answer(callable: "Analyze", step: "analyze", context: { items: 5 })["result"]["batch_processing_outcome"]
    expect(outcome["cursor_configs"].map { |cursor| cursor.values_at("batch_id", "start_cursor", "end_cursor", "batch_size") }).to eq([ [ "001", 0, 2, 2 ], [ "002", 2, 4, 2 ], [ "003", 4, 5, 1 ] ])
    expect(answer(callable: "Analyze", step: "analyze", context: { items: 0 })["result"]["batch_processing_outcome"]).to eq("type" => "no_batches")
  end

  it "gives a worker its range, stores checkpoints, and does not call it for the placeholder" do
    cursor = { batch_id: "002", start_cursor: 2, end_cursor: 4 }
    expect(answer(callable: "Work", step: "work", inputs: { cursor: })["result"]).to eq("range" => [ "002", 2, 4, 2 ], "cursor" => 2)
    expect(answer(callable: "Work", step: "work", inputs: { is_no_op: true, cursor: })["result"]).to include("no_op" => true)
    seen = events do
      native.deliver(callable: "Work", step: "work", context: { pause: true }, inputs: { cursor: })
      eventually { native.completions.size == 3 }
    end
    expect(native.checkpoints).to match([ include("cursor" => 3, "items_processed" => 1) ])
    expect(native.completions.last["result"]["cursor"]).to eq(3)
    expect(seen.map(&:name)).to include("step_checkpointed.tasker")
  end

  it "gives the results of batches in the order of their numbers" do
    require "tasker_contrib_rails/testing"
    results = %w[import_002 import_1000 import_999 import_check].to_h { |name| [ name, { "from" => name } ] }
    context = TaskerContribRails::Testing::StepContext.build(results:)
    expect(TaskerContribRails::BatchResults.of(context, "import").map { |result| result["from"] }).to eq(%w[import_002 import_999 import_1000])
  end
end
