# frozen_string_literal: true

require "json_schemer"
require_relative "../backoff"
require_relative "../handlers"
require_relative "../outcome_checks"
require_relative "../templates"
require_relative "step_context"
require_relative "task_graph"
require_relative "workflow_run"

module TaskerContribRails
  module Testing
    # Runs a whole task template in memory: one worker and one server, without anything between them. Steps that are ready together
    # run in the order of the template; retries follow the template's +retry+ on a virtual clock.
    class Workflow
      # A handler that always wants to be called again would never end.
      MOST_CHECKPOINTS = 1000

      # @param template [String, Pathname, Hash] a file, or its content
      # @param context [Hash] checked against +input_schema+
      # @param handlers [Hash{String => #call, Class}] by callable, over the app's classes
      # @param checks [Boolean] whether the worker fails decisions and batches that Core would refuse; false shows Core alone
      def initialize(template, context = {}, handlers: {}, checks: true)
        @template = self.class.load(template)
        @context = context.as_json
        @handlers = handlers.transform_keys(&:to_s)
        @checks = checks
        check_context
        @graph = TaskGraph.new(@template)
        @run = WorkflowRun.new
        @queue = []
        @enqueued = []
        @waiting = []
      end

      # @return [Templates::Template]
      # @raise [ConfigurationError] it cannot be read, or Core would not accept or never finish it
      def self.load(source)
        if source.is_a?(Hash)
          template = Templates::Template.new("template", source.deep_stringify_keys)
          raise ConfigurationError, "the template has no steps" if template.steps.empty?

          errors = Templates::TemplateChecks.new(template).errors.grep(/circle|depends on|needs at least one dependency|used \d+ times|callable/)
          raise ConfigurationError, errors if errors.any?

          return template
        end
        path = Pathname(source)
        path = App.root.join(path) unless path.absolute? || path.file?
        raise ConfigurationError, "#{source}: there is no such file" unless path.file?

        load(YAML.safe_load_file(path, permitted_classes: [ Date, Time ], aliases: true))
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

      def check_context
        schema = @template.input_schema
        found = schema ? JSONSchemer.schema(schema).validate(@context).map { |error| "#{error["data_pointer"]} #{error["type"]} #{error["details"]}".strip } : []
        raise ConfigurationError, "the context does not fit input_schema: #{found.join("; ")}" if found.any?
      end

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
        outcome = call_through_checkpoints(node)
        node.attempts += 1
        outcome.is_a?(Outcome::Success) ? complete(node, outcome) : fail(node, outcome)
      end

      def call_through_checkpoints(node)
        outcome = call(node, nil)
        checkpoints = record(node).checkpoints
        while outcome.is_a?(Outcome::Checkpoint)
          raise Error, "step '#{node.name}' stored #{MOST_CHECKPOINTS} checkpoints and did not end" if checkpoints.size == MOST_CHECKPOINTS

          checkpoints << outcome.cursor
          note(node, node.attempts + 1, "checkpoint at #{outcome.cursor}")
          outcome = call(node, outcome.to_h)
        end
        outcome
      end

      def call(node, checkpoint)
        context = context_of(node, checkpoint)
        override = @handlers[node.spec.callable]
        value = override ? Testing.call(override, context) : Handlers.call(node.spec.callable, context)
        Outcome.of(value)
      rescue Handlers::NotFound => error
        Outcome::Failure.new(message: error.message, error_type: Contract::ERROR_TYPES[:not_found], retryable: false)
      rescue ScriptError, StandardError => error
        raise if error.class.name.start_with?("RSpec::", "Minitest::")

        Outcome.from_exception(error)
      end

      def context_of(node, checkpoint)
        results = @graph.ancestors(node).select { |other| other.state == "complete" }.to_h { |other| [ other.name, other.result ] }
        StepContext.build(context: @context, results:, config: node.spec.initialization, inputs: node.inputs, attempt: node.attempts + 1,
          max_attempts: node.spec.max_attempts, step: node.name, template_step: node.spec.name, callable: node.spec.callable, checkpoint:,
          task: @template.name, namespace: @template.namespace, version: @template.version)
      end

      def complete(node, outcome)
        refused = refusal(node, outcome)
        return fail(node, refused) if refused

        node.state, node.result = "complete", outcome.result
        record(node).error = record(node).error_type = nil
        note(node, node.attempts, "complete")
        @graph.decide(node, outcome.result["decision_point_outcome"] || {}) if node.spec.decision?
        @graph.expand(node, outcome.result["batch_processing_outcome"] || {}) if node.spec.batchable?
      rescue TaskGraph::Refused => error
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
