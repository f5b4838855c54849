# frozen_string_literal: true

require "rspec/core"
require "rspec/expectations"
require_relative "testing"

# RSpec's group +type: :step_handler+: build_step_context, run_step, run_workflow and matchers. Nothing is defined outside of it.
#
#   # spec/rails_helper.rb
#   require "tasker_contrib_rails/rspec"
module TaskerContribRails
  # Matchers of the group.
  module RSpecMatchers
    extend RSpec::Matchers::DSL

    # What is expected, as JSON has it; matchers inside of it stay what they are.
    #
    # @api private
    def self.json(expected)
      case expected
      when Hash then expected.to_h { |key, value| [ key.to_s, json(value) ] }
      when Array then expected.map { |value| json(value) }
      else RSpec::Matchers.is_a_matcher?(expected) ? expected : expected.as_json
      end
    end

    # +succeed_with(result)+: a step completed; keys and values that its result must have, or a matcher.
    matcher :succeed_with do |expected|
      match do |step|
        @step, @actual = step, step.result
        step.success? && values_match?(expected.is_a?(Hash) ? a_hash_including(RSpecMatchers.json(expected)) : expected, step.result)
      end
      failure_message do
        next "expected the result to include #{expected.inspect}\n     got #{@actual.inspect}" if @step.success?

        "expected the step to succeed, but it failed: #{@step}\n#{Array(@step.outcome.backtrace).first(5).join("\n")}"
      end
      diffable
    end

    # +fail_permanently_with(message, code: nil)+: a step failed for good.
    matcher :fail_permanently_with do |expected = //, code: nil|
      match { |step| step.failure? && !step.retryable? && values_match?(expected, step.error) && (code.nil? || step.error_code == code) }
      failure_message { |step| "expected a permanent failure with #{expected.inspect}#{" and code #{code}" if code}, but the step is #{step}#{" (retryable)" if step.retryable?}" }
    end

    # +be_retryable+, also +be_retryable.after(30)+: a step failed and is tried again.
    matcher :be_retryable do
      chain(:after) { |seconds| @seconds = seconds }
      match { |step| step.failure? && step.retryable? && (@seconds.nil? || step.retry_after == @seconds) }
      failure_message { |step| "expected a failure that is tried again#{" after #{@seconds} s" if @seconds}, but the step is #{step}#{" and asks for #{step.retry_after.inspect} s" if step.failure?}" }
    end

    # +have_run_step(:b)+, also +.after(:a)+: a step of a workflow completed, and began after another one.
    matcher :have_run_step do |name|
      chain(:after) { |other| @other = other.to_s }
      match do |run|
        run.steps[name.to_s]&.complete? && (@other.nil? || (run.order.include?(@other) && run.order.index(@other) < run.order.index(name.to_s)))
      end
      failure_message { |run| "expected step '#{name}' to have run#{" after '#{@other}'" if @other}\n#{run}" }
      failure_message_when_negated { |run| "expected step '#{name}' not to have run\n#{run}" }
    end

    # +have_created_task("name")+, also +.with(context)+ and +.in_namespace(name)+: for a block that creates tasks through Tasker.
    matcher :have_created_task do |name|
      supports_block_expectations
      chain(:with) { |context| @context = context }
      chain(:in_namespace) { |namespace| @namespace = namespace }
      match do |block|
        @created = Testing.recording_tasks(&block)
        @created.any? do |task|
          task[:name] == name.to_s && (@namespace.nil? || task[:namespace] == @namespace) &&
            (@context.nil? || values_match?(@context.is_a?(Hash) ? a_hash_including(RSpecMatchers.json(@context)) : @context, task[:context]))
        end
      end
      failure_message do
        made = @created.map { |task| "  #{task[:namespace]}/#{task[:name]} with #{task[:context]}" }
        "expected a task '#{name}'#{" in namespace '#{@namespace}'" if @namespace}#{" with #{@context.inspect}" if @context} to be created\n#{made.any? ? "created:\n#{made.join("\n")}" : "none was created"}"
      end
    end
  end

  # What the group has.
  module StepHandlerExampleGroup
    include Testing::Helpers
    include RSpecMatchers
  end
end

RSpec.configure do |config|
  config.include TaskerContribRails::StepHandlerExampleGroup, type: :step_handler
  config.define_derived_metadata(file_path: %r{/spec/handlers/}) { |metadata| metadata[:type] ||= :step_handler }
end
