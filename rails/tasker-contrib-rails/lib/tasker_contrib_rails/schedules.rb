# frozen_string_literal: true

require "yaml"
require_relative "errors"
require_relative "names"
require_relative "schedules/schedule"

module TaskerContribRails
  # Recurring tasks, from a file. There is no state and no leader: the time of a slot is in the context of its task, and the server keeps one
  # task for each context, so that any number of schedulers may create the same one.
  module Schedules
    # Below the app.
    FILE = "config/tasker/schedules.yml"
    # Names of schedules that are paused, with commas between; * for all.
    PAUSED = "TASKER_SCHEDULES_PAUSED"

    # @api private
    autoload :Scheduler, File.expand_path("schedules/scheduler", __dir__)
    # @api private
    autoload :Job, File.expand_path("schedules/job", __dir__)

    module_function

    # @param file [Pathname]
    # @param environment [Hash]
    # @return [Array<Schedule>]
    # @raise [ConfigurationError] everything that is wrong with the file, or with the variable
    def load(file: App.root.join(FILE), environment: ENV)
      table = parse(file)
      problems = []
      schedules = table.filter_map do |name, values|
        Schedule.read(name.to_s, values)
      rescue Problem => problem
        problems << "#{file}: #{name}: #{problem.message}"
        nil
      end
      paused = environment.fetch(PAUSED, "").split(",").map(&:strip).reject(&:empty?)
      unknown = paused - [ "*" ] - table.keys.map(&:to_s)
      problems.concat(unknown.map { |name| "environment #{PAUSED}: there is no schedule #{name.inspect} in #{file}#{Names.did_you_mean(name, table.keys)}" })
      raise ConfigurationError, problems if problems.any?

      schedules.map { |schedule| paused.include?("*") || paused.include?(schedule.name) ? schedule.with(paused: true) : schedule }
    end

    def parse(file)
      raise ConfigurationError, "#{file} does not exist; it holds the schedules, such as\n  nightly_report:\n    task: reports/daily_report\n    cron: \"0 6 * * *\"" unless File.file?(file)

      table = YAML.safe_load_file(file.to_s, aliases: true) || {}
      raise ConfigurationError, "#{file}: must be a table of schedules by name, not a #{table.class}" unless table.is_a?(Hash)

      table
    rescue Psych::Exception => error
      raise ConfigurationError, "#{file}: is not valid YAML: #{error.message}"
    end
    private_class_method :parse
  end
end
