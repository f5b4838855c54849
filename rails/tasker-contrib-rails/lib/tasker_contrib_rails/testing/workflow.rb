# frozen_string_literal: true

require_relative "../backoff"
require_relative "../outcome_checks"
require_relative "step_calls"
require_relative "task_graph"
require_relative "template_source"
require_relative "workflow_run"

module TaskerContribRails
  module Testing
    # Runs a whole task template in memory: one worker and one server, without anything between them. Steps that are ready together
    # run in the order of the template; retries follow the template's +retry+ on a virtual clock.
    #
    # @api private
    class Workflow
      # @param template [String, Pathname, Hash] a file, or its content
      # @param context [Hash] checked against +input_schema+
      # @param handlers [Hash{String => #call, Class}] by callable, over the app's classes
      # @param checks [Boolean] whether the worker fails decisions and batches that Core would refuse; false shows Core alone
      # @raise [ConfigurationError] the template cannot be read, or Core would not accept or never finish it; the context does not fit
      def initialize(template, context = {}, handlers: {}, checks: true)
        @template = TemplateSource.load(template)
        @context = context.as_json
        @calls = StepCalls.new(@template, @context, handlers.transform_keys(&:to_s))
        @checks = checks
        TemplateSource.check_context(@template, @context)
        @graph = TaskGraph.new(@template)
        @run = WorkflowRun.new
        @queue = []
        @enqueued = []
        @waiting = []
      end

      # @return [WorkflowRun]
      def run
        enqueue_ready
        until @queue.empty? && (@waiting.empty? || @failed)
          if (node = @queue.shift)
            execute(node)
            finalize
          else
            wake
          end
        end
        finish
      end

      private

      def record(node)
        step = @run.steps[node.name] ||= StepRecord.new(node.name, node.spec.name)
        step.state, step.attempts, step.result = node.state, node.attempts, node.result
        step
      end

      def enqueue_ready
        @graph.nodes.each_value { |node| record(node) }
        @graph.ready.each do |node|
          next if @enqueued.include?(node.name)

          @enqueued << node.name
          @queue << node
        end
      end

      # After every result Core looks at the whole task: once a step has failed nothing new is started, and each further result
      # moves the task on.
      def finalize
        return enqueue_ready if @graph.nodes.values.none? { |node| node.state == "error" }

        @failed = @failed ? "error" : "blocked_by_failures"
      end

      def wake
        @waiting.sort_by!.with_index { |(at, _), index| [ at, index ] }
        @run.duration, node = @waiting.shift
        node.state = "pending"
        @queue << node
      end

      def finish
        @run.status = @failed || (@graph.nodes.values.all? { |node| node.state == "complete" } ? "complete" : @run.status)
        @graph.nodes.each_value { |node| record(node).depends_on = @graph.nodes.keys & node.parents }
        @run
      end

      def execute(node)
        if node.attempts.zero?
          @run.order << node.name
          problem = @graph.early_start(node)
          @run.problems << problem if problem
        end
        outcome = call(node)
        node.attempts += 1
        outcome.is_a?(Outcome::Success) ? complete(node, outcome) : fail(node, outcome)
      end

      def call(node)
        results = @graph.ancestors(node).select { |other| other.state == "complete" }.to_h { |other| [ other.name, other.result ] }
        @calls.to_the_end(node, results, record(node).idempotency_key) do |cursor|
          record(node).checkpoints << cursor
          note(node, node.attempts + 1, "checkpoint at #{cursor}")
        end
      end

      def complete(node, outcome)
        refused = refusal(node, outcome)
        return fail(node, refused) if refused

        node.state, node.result = "complete", outcome.result
        record(node).error = record(node).error_type = nil
        note(node, node.attempts, "complete")
        @graph.decide(node, outcome.result["decision_point_outcome"] || {}) if node.spec.decision?
        @graph.expand(node, outcome.result["batch_processing_outcome"] || {}) if node.spec.batchable?
      rescue Templates::Refused => error
        @run.problems << "#{error.message} (Core only logs this and goes on: the task completes without them)"
      end

      # The worker fails a step whose decision or batch cannot be right.
      def refusal(node, outcome)
        return unless @checks

        checked = OutcomeChecks.check(outcome, @template, node.spec)
        checked if checked.is_a?(Outcome::Failure)
      end

      def fail(node, failure)
        again = failure.retryable && node.spec.retryable? && node.attempts < node.spec.max_attempts
        node.state = again ? "waiting_for_retry" : "error"
        step = record(node)
        step.error, step.error_type = failure.message, failure.error_type
        text = failure.to_s.lines.first.chomp
        if again
          delay = failure.retry_after || (Backoff.delay_ms(node.spec.retry_table, node.attempts) / 1000.0)
          step.delays << delay
          text = format("%<text>s (again in %<delay>g s)", text:, delay:)
          @waiting << [ @run.duration + delay, node ]
        end
        note(node, node.attempts, text)
      end

      def note(node, attempt, text) = @run.timeline << WorkflowRun::Entry.new(@run.duration, node.name, attempt, text)
    end
  end
end
