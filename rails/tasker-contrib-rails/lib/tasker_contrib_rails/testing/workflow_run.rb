# frozen_string_literal: true

module TaskerContribRails
  module Testing
    # One step of a run.
    #
    # - +state+: complete, error, pending (never ran) or waiting_for_retry
    # - +attempts+: how often the handler was called, checkpoints not counted
    # - +result+: what later steps see; nil unless complete
    # - +error+, +error_type+: of the last failure
    # - +delays+: seconds before the second, third … attempt
    # - +checkpoints+: cursors that a batch worker stored on its way
    # - +idempotency_key+: its UUID, the same in every attempt
    # - +depends_on+: the steps it waited for
    StepRecord = Struct.new(:name, :template_step, :state, :attempts, :result, :error, :error_type, :delays, :checkpoints, :depends_on, :idempotency_key) do
      def initialize(name, template_step)
        super(name, template_step, "pending", 0, nil, nil, nil, [], [], [], SecureRandom.uuid)
      end

      def complete? = state == "complete"
    end

    # The outcome of a task.
    class WorkflowRun
      # One execution: virtual seconds since the start, and its outcome.
      Entry = Data.define(:at, :step, :attempt, :text)

      # @return [String] complete, blocked_by_failures or error (both mean failed), or waiting_for_dependencies
      attr_accessor :status
      # @return [Hash{String => StepRecord}] every step that was created
      attr_reader :steps
      # @return [Array<String>] step names in the order in which their handlers were called
      attr_reader :order
      # @return [Array<String>] what the server would do differently from what the template says; empty is good
      attr_reader :problems
      # @return [Array<Entry>]
      attr_reader :timeline
      # @return [Float] virtual seconds; only retry delays take time
      attr_accessor :duration

      def initialize
        @status = "waiting_for_dependencies"
        @steps = {}
        @order = []
        @problems = []
        @timeline = []
        @duration = 0.0
      end

      # @return [StepRecord]
      # @raise [KeyError] it was not created; the message has the timeline
      def [](name)
        steps.fetch(name.to_s) { raise KeyError, "step '#{name}' was not created (created: #{steps.keys.join(", ")})\n#{self}" }
      end

      # @return [Boolean] whether the task completed and the server would have run it in the same way
      def complete? = status == "complete" && problems.empty?

      # @return [Boolean]
      def failed? = %w[blocked_by_failures error].include?(status)

      # @return [String] the timeline, one execution a line, then the steps that never ran
      def to_s
        width = steps.keys.map(&:length).max || 0
        lines = [ format("task %<status>s after %<seconds>g s", status:, seconds: duration) ]
        lines += problems.map { |problem| "  problem: #{problem}" }
        lines += timeline.map { |entry| format("  %8.3f s  %-#{width}s  attempt %d: %s", entry.at, entry.step, entry.attempt, entry.text) }
        lines += steps.values.select { |step| step.attempts.zero? }.map { |step| "          -  #{step.name.ljust(width)}  never ran" }
        lines.join("\n")
      end
      alias inspect to_s
    end
  end
end
