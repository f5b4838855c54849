# frozen_string_literal: true

module TaskerContribRails
  module Schedules
    # Creates the task of each slot when its time has come. It may be killed at any time, and any number may run.
    #
    # @api private
    class Scheduler
      # Seconds between two looks at the file, at most.
      LOOK = 1.0

      # @param file [Pathname]
      # @param client [Client]
      # @param clock [#call] gives the time
      # @raise [ConfigurationError]
      def initialize(file: App.root.join(FILE), client: App.client, clock: -> { Time.now.utc })
        @file = file
        @client = client
        @clock = clock
        @text = File.file?(file) ? File.read(file) : nil
        take(Schedules.load(file:))
      end

      # @return [Array<Schedule>]
      def schedules = @jobs.map(&:schedule)

      # Never returns.
      def run
        loop { sleep(tick) }
      end

      # Does what is due.
      #
      # @return [Float] seconds until it should be called again
      def tick
        read_again
        @jobs.each { |job| job.run(@clock.call) { |slot| create(job.schedule, slot) } }
        now = @clock.call
        @jobs.filter_map(&:wake_at).map { |time| time - now }.push(LOOK).min.clamp(0.0, LOOK)
      end

      private

      def take(schedules)
        @jobs = schedules.map do |schedule|
          old = @jobs&.find { |job| job.schedule.same?(schedule) }
          old || Job.new(schedule, @clock.call)
        end
      end

      def read_again
        text = File.read(@file)
        return if text == @text

        @text = text
        take(Schedules.load(file: @file))
        TaskerContribRails.logger.info("#{@file} has changed; there are #{schedules.size} schedules now")
      rescue ConfigurationError, SystemCallError => error
        TaskerContribRails.logger.error("the schedules go on as they were: #{error.message}") if error.message != @complaint
        @complaint = error.message
      end

      # @return [Boolean] whether nothing more is to be done for this slot
      def create(schedule, slot)
        context = schedule.context_for(slot)
        task = @client.create_task(schedule.task, context, namespace: schedule.namespace, version: schedule.version,
          initiator: "schedule:#{schedule.name}", reason: "schedule #{schedule.name}")
        TaskerContribRails.logger.info("schedule #{schedule.name}: task #{task.task_uuid} for #{context["scheduled_for"]}")
        true
      rescue ConflictError
        TaskerContribRails.logger.debug { "schedule #{schedule.name}: the task for #{context["scheduled_for"]} exists" }
        true
      rescue InvalidRequestError, ArgumentError => error
        TaskerContribRails.logger.error("schedule #{schedule.name}: no task for #{context["scheduled_for"]}: #{error.message}")
        true
      rescue StandardError => error
        TaskerContribRails.logger.warn("schedule #{schedule.name}: the task for #{context["scheduled_for"]} is tried again: #{error.class}: #{error.message}")
        false
      end
    end
  end
end
