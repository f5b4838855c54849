# frozen_string_literal: true

module TaskerContribRails
  class Client
    # Waiting for the end of a task.
    module Waiting
      # Seconds between two requests at first.
      FIRST_PAUSE = 0.05
      # And at most.
      LONGEST_PAUSE = 2.0

      # Waits until a task has ended, see {END_STATES}. The server is asked often at first, every two seconds later.
      #
      # @param timeout [Numeric] seconds
      # @yieldparam task [Task] whenever its state or its counts changed
      # @return [Task] it may have failed: look at +succeeded?+
      # @raise [WaitTimeoutError] it has not ended in time; it goes on
      # @example
      #   Tasker.client.wait(task, timeout: 30) { |now| puts now.status }.succeeded?
      def wait(task, timeout: 60)
        deadline = now + timeout
        pause = FIRST_PAUSE
        seen = nil
        loop do
          current = get_task(task)
          state = [ current.status, current.total_steps, current.completed_steps, current.failed_steps, current.in_progress_steps ]
          if state != seen
            seen, pause = state, FIRST_PAUSE
            yield current if block_given?
          end
          return current if current.ended?

          left = deadline - now
          raise WaitTimeoutError, still_running(current, timeout) if left <= 0

          sleep([ pause, left ].min)
          pause = [ pause * 1.5, LONGEST_PAUSE ].min
        end
      end

      private

      def still_running(task, timeout)
        "task #{task.task_uuid} is still '#{task.status}' after #{timeout} s (#{task.completed_steps} of #{task.total_steps} steps complete)"
      end

      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
