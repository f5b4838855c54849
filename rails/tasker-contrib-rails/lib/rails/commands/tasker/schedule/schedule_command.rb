# frozen_string_literal: true

require "rails/command"

module Rails
  module Command
    module Tasker
      # bin/rails tasker:schedule, and tasker:schedule:…
      #
      # @api private
      class ScheduleCommand < Base
        desc "schedule", "Create the tasks of config/tasker/schedules.yml when their time has come, until SIGTERM or SIGINT"
        def schedule
          run_it do
            scheduler = TaskerContribRails::Schedules::Scheduler.new
            # Nothing is lost by an end at any point: the next scheduler looks for what was missed.
            %w[INT TERM].each { |signal| Signal.trap(signal) { exit!(0) } }
            say "scheduling #{scheduler.schedules.map(&:name).join(", ")}; process #{Process.pid}"
            $stdout.flush
            scheduler.run
          end
        end

        desc "list", "Print each schedule with its next slot, in its time zone and in UTC"
        def list
          run_it do
            now = Time.now.utc
            print_table(TaskerContribRails::Schedules.load.map { |schedule| row(schedule, schedule.next_after(now)) })
          end
        end

        desc "now NAME", "Create the task of a schedule now, also if it is paused"
        def now(name)
          run_it do
            schedules = TaskerContribRails::Schedules.load
            schedule = schedules.find { |one| one.name == name } || raise(TaskerContribRails::Error, "there is no schedule #{name.inspect} in #{TaskerContribRails::Schedules::FILE}" \
                                                                                                   "#{TaskerContribRails::Names.did_you_mean(name, schedules.map(&:name))}")
            context = schedule.context_for(Time.now.utc)
            task = TaskerContribRails::App.client.create_task(schedule.task, context, namespace: schedule.namespace, version: schedule.version)
            say "task #{task.task_uuid} for #{context["scheduled_for"]}"
          end
        end

        no_commands do
          def run_it
            boot_application!
            yield
          rescue TaskerContribRails::Error => error
            warn "error: #{error.message}"
            exit 1
          end

          def row(schedule, slot)
            local = schedule.zone.to_local(slot)
            [ schedule.name, "#{schedule.namespace}/#{schedule.task} #{schedule.version}", schedule.timing, local.strftime("%F %T %Z"), slot.iso8601, ("paused" if schedule.paused) ]
          end
        end
      end
    end
  end
end
