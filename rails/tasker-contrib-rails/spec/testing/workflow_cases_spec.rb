# frozen_string_literal: true

require "tasker_contrib_rails/testing"
require_relative "scripted"

# What is expected may leave keys out; lists are compared as a whole.
RSpec::Matchers.define :contain do |expected|
  contains = lambda do |actual, wanted|
    next wanted.all? { |key, value| actual.is_a?(Hash) && contains.call(actual[key], value) } if wanted.is_a?(Hash)
    next actual.is_a?(Array) && actual.size == wanted.size && actual.zip(wanted).all? { |one, other| contains.call(one, other) } if wanted.is_a?(Array)

    actual == wanted
  end
  match { |actual| contains.call(actual, expected) }
end

# The cases say what the server does. On top of that the worker fails a decision or a batch that the server would only log.
RSpec.describe "The shared workflow cases" do
  it "are there" do
    expect(Scripted.cases.size).to be >= 19
  end

  Scripted.cases.each do |name, data|
    it "#{name}: #{data["about"]}" do
      handlers = data["handlers"].transform_values { |script| Scripted.handler(script) }
      run = TaskerContribRails::Testing::Workflow.new(data["template"], data["context"], handlers:, checks: false).run
      expected = data["expect"]
      expect(Array(expected["status"])).to include(run.status), run.to_s
      expect(run.order).to eq(expected["order"]), run.to_s if expected["order"]
      expect(run.steps.keys & Array(expected["absent"])).to be_empty, run.to_s
      problems = Array(expected["problems"])
      expect(run.problems.size).to eq(problems.size), run.to_s
      problems.each { |part| expect(run.problems).to include(include(part)), run.to_s }
      (expected["steps"] || {}).each { |step, wanted| compare(run[step], wanted, run) }
    end
  end

  { "decision_unknown_step" => "decide", "decision_second_parent" => "decide", "no_batches_unnamed" => "analyze" }.each do |name, step|
    it "#{name}: the worker fails the step, for the reason for which the server would complete the task without its branches" do
      data = Scripted.cases.fetch(name)
      handlers = data["handlers"].transform_values { |script| Scripted.handler(script) }
      run = TaskerContribRails::Testing::Workflow.new(data["template"], data["context"], handlers:).run
      expect(run).to be_failed
      expect(run.problems).to be_empty
      expect(run[step]).to have_attributes(state: "error", attempts: 1, error_type: "validation_error", error: include(data["expect"]["problems"].first))
      expect(run.steps.keys & Array(data["expect"]["absent"])).to be_empty
    end
  end

  def compare(step, wanted, run)
    expect(step.state).to eq(wanted["state"]), run.to_s if wanted["state"]
    expect(step.attempts).to eq(wanted["attempts"]), run.to_s if wanted["attempts"]
    expect(step.error).to include(wanted["error"]) if wanted["error"]
    expect(step.result).to contain(wanted["result"]) if wanted["result"]
    expect(step.delays.map(&:to_f)).to eq(wanted["delays"].map(&:to_f)), run.to_s if wanted["delays"]
    expect(step.checkpoints).to eq(wanted["checkpoints"]), run.to_s if wanted["checkpoints"]
  end
end
