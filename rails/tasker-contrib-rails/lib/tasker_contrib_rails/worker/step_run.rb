# frozen_string_literal: true

module TaskerContribRails
  module Worker
    # One execution of one step: who it is, and that it is answered once only, by its handler, its timeout or the stop.
    #
    # @api private
    class StepRun
      # @return [Hash] Core's event
      attr_reader :event
      # @return [TaskerCore::Types::StepContext]
      attr_reader :context
      # @return [Time]
      attr_reader :started_at

      def initialize(event)
        @event = event
        @context = TaskerCore::Types::StepContext.new(event[:task_sequence_step])
        @answered = @hung = @begun = false
        @lock = Mutex.new
        start_clock
      end

      # A thread has taken it: the wait for that thread does not count.
      def begin!
        @begun = true
        start_clock
      end

      # @return [Boolean] whether a thread has taken it
      def begun? = @begun

      def event_id = event[:event_id]
      def task_uuid = event[:task_uuid]
      def step_uuid = event[:step_uuid]
      def name = context.step_name
      def handler = definition.handler.callable
      def definition = context.step_definition
      # Core counts earlier attempts.
      def attempt = context.retry_count + 1
      def max_attempts = context.max_retries
      def timeout = definition.timeout_seconds
      def identity = [ context.task.namespace_name, context.task.task_name, context.task.task_version ].map(&:to_s)
      def ids = { task_uuid:, step_uuid:, step: name, namespace: context.namespace_name, correlation_id: event[:correlation_id] }
      def duration = Process.clock_gettime(Process::CLOCK_MONOTONIC) - @clock
      def retry_table = definition.retry.to_h

      # @return [Boolean] whether the caller is the one who may answer
      def answer!
        @lock.synchronize { !@answered && (@answered = true) }
      end

      def answered? = @answered

      # Its handler goes on after the answer.
      def hang! = @hung = true

      # @return [Boolean] whether its timeout answered it; a step that has just ended is not hung
      def hung? = @hung

      private

      def start_clock
        @started_at = Time.now.utc
        @clock = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      end
    end
  end
end
