# frozen_string_literal: true

require "concurrent/executor/fixed_thread_pool"
require "concurrent/scheduled_task"
require_relative "../events"
require_relative "../handlers"
require_relative "../outcome_checks"
require_relative "executions"
require_relative "replies"
require_relative "step_run"
require_relative "surroundings"

module TaskerContribRails
  module Worker
    # Executes steps in a pool of threads, in place of Core's subscriber, which calls one handler after the other.
    #
    # @api private
    class Dispatcher
      # @return [Executions]
      attr_reader :executions

      # @param concurrency [Integer] steps at the same time
      # @param templates [Hash] identity to {Templates::Template}
      # @param bridge [TaskerCore::Worker::EventBridge]
      def initialize(concurrency:, templates:, bridge:)
        @pool = Concurrent::FixedThreadPool.new(concurrency, name: "tasker-step", auto_terminate: false)
        @concurrency = concurrency
        @templates = templates
        @executions = Executions.new
        @executions.expect(templates.each_value.flat_map { |template| template.steps.map(&:callable) }.uniq)
        @replies = Replies.new(bridge, @executions)
        @lock = Mutex.new
        @changed = ConditionVariable.new
        @running = {}
        @cut = false
        @returned = 0
      end

      # @return [Array<StepRun>] being executed, those that were answered by their timeout included
      def running = @lock.synchronize { @running.values }

      # @return [Array<StepRun>] handlers that exceeded their timeout and go on
      def hung = running.select(&:hung?)

      # Takes a step from Core's poller thread. Waits while all threads are busy: what comes behind stays with the native worker.
      #
      # @param event [Hash]
      def dispatch(event)
        step = StepRun.new(event)
        @lock.synchronize do
          @changed.wait(@lock) while @running.size >= @concurrency && !@cut
          @running[step.event_id] = step unless @cut
        end
        return hand_back(step) if @cut

        @pool.post { execute(step) }
      end

      # Waits until nothing is being executed that has not been answered.
      #
      # @param timeout [Numeric] seconds
      # @yieldreturn [Boolean] whether the native worker has more
      # @return [Boolean] whether that happened in time
      def wait_until_idle(timeout)
        deadline = now + timeout
        loop do
          idle = @lock.synchronize do
            @changed.wait(@lock, [ deadline - now, 0.05 ].min) if @running.values.any? { |step| !step.answered? } && deadline > now
            @running.values.all?(&:answered?)
          end
          return true if idle && !yield
          return false if now >= deadline

          sleep(0.01) if idle
        end
      end

      # Answers everything that is left as retryable. Handlers cannot be stopped; what they return is dropped.
      #
      # @return [Array<Hash>] the ids of the steps
      def cut
        steps = @lock.synchronize do
          @cut = true
          @changed.broadcast
          @running.values
        end
        cut = steps.select { |step| @replies.hand_back(step, "the worker was stopped before the handler came to an end") }
        cut.map { |step| step.ids.slice(:step, :step_uuid, :task_uuid) }
      end

      # @return [Integer] steps that were handed back before they began
      def returned = @lock.synchronize { @returned }

      def shutdown = @pool.shutdown

      private

      def execute(step)
        step.begin!
        timer = watch(step)
        outcome = Surroundings.around(step) do
          Events.publish(:step_started, step.ids.merge(handler: step.handler, attempt: step.attempt))
          outcome_of(step).tap { |found| @replies.finish(step, found) }
        end
        Surroundings.report(outcome.error, step) if outcome.is_a?(Outcome::Failure) && outcome.error
      rescue Exception => error # rubocop:disable Lint/RescueException -- as below
        # Not from the handler, which has ended: from the app's executor, a subscriber or the native library.
        TaskerContribRails.logger.error("step #{step.step_uuid}: #{error.class}: #{Storable.message(error)}")
        @replies.finish(step, Outcome.from_exception(error))
      ensure
        # A thread can also be left without an error: `Thread.exit`, or a `throw` to somebody outside.
        @replies.finish(step, Outcome::Failure.new(message: "the handler left its thread without returning")) unless step.answered?
        timer&.cancel
        @lock.synchronize do
          @running.delete(step.event_id)
          @changed.broadcast
        end
      end

      def outcome_of(step)
        template = @templates[step.identity]
        outcome = Outcome.of(Handlers.call(step.handler, step.context))
        OutcomeChecks.check(outcome, template, template&.find(step.definition.name))
      rescue Handlers::NotFound => error
        Outcome::Failure.new(message: error.message, error_type: Contract::ERROR_TYPES[:not_found], retryable: false)
      rescue Exception => error # rubocop:disable Lint/RescueException -- whatever a handler raises, its step must be answered
        Outcome.from_exception(error)
      end

      def hand_back(step)
        return unless @replies.hand_back(step, "the worker was stopped before the step began")

        @lock.synchronize { @returned += 1 }
      end

      def watch(step)
        Concurrent::ScheduledTask.execute(step.timeout) { Surroundings.reloading { @replies.time_out(step) } } if step.timeout
      end

      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
