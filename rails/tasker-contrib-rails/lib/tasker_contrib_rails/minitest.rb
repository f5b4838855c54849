# frozen_string_literal: true

require_relative "testing"

module TaskerContribRails
  # The helpers of tests, and assertions, for Minitest.
  #
  # @example
  #   class ChargeHandlerTest < ActiveSupport::TestCase
  #     include TaskerContribRails::MinitestHelpers
  #   end
  module MinitestHelpers
    include Testing::Helpers

    # @param expected [Hash, nil] keys and values that the result must have
    def assert_step_succeeds(step, expected = nil)
      assert step.success?, "expected the step to succeed, but it failed: #{step}"
      assert_equal expected.as_json, step.result.slice(*expected.as_json.keys) if expected
    end

    # @param message [Regexp, String] a part of the message
    def assert_step_fails_permanently(step, message = //)
      assert step.failure? && !step.retryable?, "expected a permanent failure, but the step is #{step}#{" (retryable)" if step.retryable?}"
      assert_match message, step.error
    end

    # @param step [Testing::StepResult] a failure that is tried again
    def assert_step_retryable(step)
      assert step.retryable?, "expected a failure that is tried again, but the step is #{step}"
    end

    # @param run [Testing::WorkflowRun] complete, and as the template says
    def assert_workflow_completes(run)
      assert run.complete?, "expected the workflow to complete as it is written\n#{run}"
    end

    # @return [Hash] the task: name, namespace, version, context
    def assert_task_created(name, &)
      created = Testing.recording_tasks(&)
      found = created.find { |task| task[:name] == name.to_s }
      assert found, "expected a task '#{name}' to be created; created: #{created.map { |task| task[:name] }.join(", ").presence || "none"}"
      found
    end
  end
end
