# frozen_string_literal: true

require "tasker_contrib_rails/rspec"
require "minitest"
require "tasker_contrib_rails/minitest"

RSpec.describe "The matchers", type: :step_handler do
  def failing(message = nil, &) = expect(&).to raise_error(RSpec::Expectations::ExpectationNotMetError, message)

  ok = ->(_context) { { cents: 500, currency: "EUR" } }
  declined = ->(_context) { raise Tasker::PermanentError.new("declined", error_code: "CARD") }
  busy = ->(_context) { raise Tasker::RetryableError.new("busy", retry_after: 30) }

  it "succeed_with: a part of the result, with a diff" do
    expect(run_step(ok)).to succeed_with("cents" => 500)
    expect(run_step(ok)).to succeed_with(cents: be > 1)
    expect(run_step(ok)).to succeed_with(hash_including("currency"))
    failing(/expected the result to include .*499.*got .*500.*\n.*Diff:/m) { expect(run_step(ok)).to succeed_with("cents" => 499) }
    failing(/expected the step to succeed, but it failed: permanent_error: declined\n.*matchers_spec.rb/) { expect(run_step(declined)).to succeed_with({}) }
  end

  it "fail_permanently_with: message and code" do
    expect(run_step(declined)).to fail_permanently_with(/decl/, code: "CARD")
    expect(run_step(declined)).not_to fail_permanently_with("other")
    failing(/permanent failure with .*and code X, but the step is permanent_error: declined/) { expect(run_step(declined)).to fail_permanently_with(/decl/, code: "X") }
    failing(/the step is retryable_error: busy \(retryable\)/) { expect(run_step(busy)).to fail_permanently_with("busy") }
    failing(/the step is complete with/) { expect(run_step(ok)).to fail_permanently_with("busy") }
  end

  it "be_retryable: and after how many seconds" do
    expect(run_step(busy)).to be_retryable.after(30)
    expect(run_step(->(_) { raise "boom" })).to be_retryable
    failing(/tried again after 5 s, but the step is retryable_error: busy and asks for 30 s/) { expect(run_step(busy)).to be_retryable.after(5) }
    failing(/the step is permanent_error: declined/) { expect(run_step(declined)).to be_retryable }
  end

  it "idempotency_key: the same in every attempt, another for another step" do
    seen = []
    stub_const("Charge", Class.new(Tasker::StepHandler) { define_method(:call) { |_context| (seen << idempotency_key).one? ? raise("busy") : {} } })
    steps = %w[a b].map { |name| { "name" => name, "handler" => { "callable" => "Charge" } } }
    run = run_workflow({ "name" => "t", "namespace_name" => "n", "version" => "1.0.0", "steps" => steps })
    keys = %w[a b].map { |name| run[name].idempotency_key }
    expect([ seen.tally, keys.uniq.size ]).to eq([ { keys[0] => 2, keys[1] => 1 }, 2 ])
  end

  describe "of workflows" do
    template = { "name" => "t", "namespace_name" => "n", "version" => "1.0.0",
                 "steps" => [ { "name" => "a", "handler" => { "callable" => "A" } }, { "name" => "b", "dependencies" => [ "a" ], "handler" => { "callable" => "B" } } ] }

    it "have_run_step: and after which one, with the timeline" do
      run = run_workflow(template, {}, handlers: { "A" => ok, "B" => ok })
      expect(run).to have_run_step(:b).after(:a)
      expect(run).not_to have_run_step(:c)
      failing(/expected step 'a' to have run after 'b'\ntask complete after 0 s\n +0.000 s  a  attempt 1: complete/) { expect(run).to have_run_step(:a).after(:b) }
      failing(/expected step 'b' not to have run\ntask complete/) { expect(run).not_to have_run_step(:b) }
      failed = run_workflow(template, {}, handlers: { "A" => declined, "B" => ok })
      failing(/expected step 'b' to have run\ntask blocked_by_failures.*permanent_error: declined.*b  never ran/m) { expect(failed).to have_run_step(:b) }
    end
  end

  it "have_created_task: name, namespace and context, or what was created instead" do
    create = -> { Tasker.create_task("ship", { order_id: 7 }, namespace: "shop") }
    expect(&create).to have_created_task("ship").in_namespace("shop").with(order_id: 7)
    expect { nil }.not_to have_created_task("ship")
    failing(/expected a task 'bill' in namespace 'x' with .*1.* to be created\ncreated:\n  shop\/ship with .*"order_id".*7/) { expect(&create).to have_created_task("bill").in_namespace("x").with(order_id: 1) }
    failing(/none was created/) { expect { nil }.to have_created_task("ship") }
  end

  it "and failed expectations inside of a handler are the test's, not the step's" do
    failing { run_step(->(_) { expect(1).to eq(2) }) }
  end
end

# Outside of the group RSpec is what it was.
RSpec.describe "A group of another type" do
  it "has neither the matchers nor the helpers" do
    names = TaskerContribRails::RSpecMatchers.public_instance_methods + TaskerContribRails::Testing::Helpers.public_instance_methods
    expect(names & (methods - Object.instance_methods)).to be_empty
    expect(Struct.new(:retryable?).new(true)).to be_retryable
  end
end

RSpec.describe TaskerContribRails::MinitestHelpers do
  before do
    extend described_class
    extend(Minitest::Assertions)
    self.assertions = 0
  end

  attr_accessor :assertions

  def failing(message, &) = expect(&).to raise_error(Minitest::Assertion, message)

  it "says what was expected and what came" do
    ok = run_step(->(_) { { cents: 500 } })
    assert_step_succeeds(ok, cents: 500)
    failing(/Expected: .*499.*\n.*Actual: .*500/) { assert_step_succeeds(ok, cents: 499) }
    failing(/but the step is complete/) { assert_step_fails_permanently(ok) }
    failing(/tried again, but the step is complete/) { assert_step_retryable(ok) }
    failing(/created: none/) { assert_task_created("ship") { nil } }
  end
end
