# frozen_string_literal: true

require "rails/command"
require "tasker_contrib_rails/testing"
require "rails/commands/tasker/schedule/schedule_command"
require "tmpdir"

# The file of the schedules, and what a scheduler makes of it.
RSpec.describe TaskerContribRails::Schedules do
  around do |example|
    Dir.mktmpdir do |folder|
      @file = Pathname(folder).join("config/tasker/schedules.yml")
      @file.dirname.mkpath
      TaskerContribRails.logger = Logger.new(@log = StringIO.new)
      example.run
    ensure
      TaskerContribRails.logger = nil
    end
  end

  attr_reader :file, :log

  def write(text) = file.write(text)
  def load(environment = {}) = described_class.load(file:, environment:)

  describe "the file" do
    it "gives schedules with all that has a default" do
      write(<<~YAML)
        nightly_report:
          task: reports/daily_report
          version: 1.2.0
          cron: "0 6 * * *"
          time_zone: Europe/Paris
          context: {region: eu}
          missed: all
          missed_within: 12h
          paused: true
        sync: {task: shop/sync, every: 15m}
      YAML
      nightly, sync = load
      expect(nightly).to have_attributes(name: "nightly_report", namespace: "reports", task: "daily_report", version: "1.2.0", missed: :all, missed_within: 43_200, paused: true)
      expect(nightly.context_for(Time.utc(2026, 12, 1, 5))).to eq("region" => "eu", "scheduled_for" => "2026-12-01T05:00:00Z")
      expect(sync).to have_attributes(version: "1.0.0", missed: :one, missed_within: 86_400, paused: false, context: {})
    end

    {
      "task: a/b\n  crn: x" => "unknown key 'crn'; did you mean 'cron'?; there are task, version, cron,",
      "cron: \"* * * * *\"" => "task is missing: give it as namespace/name, such as reports/daily_report",
      "task: report\n  every: 1m" => "task: \"report\" must be namespace/name",
      "task: a/b" => "needs either cron or every, and has none",
      "task: a/b\n  every: 1m\n  cron: \"* * * * *\"" => "needs either cron or every, and has both",
      "task: a/b\n  every: 15 minutes" => "every: \"15 minutes\" must be a number with s, m, h or d, such as 15m",
      "task: a/b\n  every: 0s" => "every: \"0s\" must be a number with s, m, h or d",
      "task: a/b\n  cron: \"0 6 * *\"" => "cron: \"0 6 * *\" must have five fields",
      "task: a/b\n  cron: \"0 6 * * * Europe/Paris\"" => "cron: \"0 6 * * * Europe/Paris\" must have five fields",
      "task: a/b\n  cron: \"61 6 * * *\"" => "cron: \"61 6 * * *\" is not a cron line: minute 0-59",
      "task: a/b\n  cron: \"0 6 30 2 *\"" => "cron: \"0 6 30 2 *\" is not a cron line",
      "task: a/b\n  cron: \"0 6 -31 4 *\"" => "cron: \"0 6 -31 4 *\" never comes",
      "task: a/b\n  every: 1m\n  time_zone: Europe/Pariss" => "time_zone: \"Europe/Pariss\" is not a time zone, such as Europe/Paris; did you mean 'Europe/Paris'?",
      "task: a/b\n  every: 1m\n  version: 1.0" => "version: 1.0 must be a text; put it into quotes",
      "task: a/b\n  every: 1m\n  missed: al" => "missed: \"al\" must be one of skip, one, all",
      "task: a/b\n  every: 1m\n  missed: all" => "missed: all would create more than 1000 tasks at a start; make missed_within shorter",
      "task: a/b\n  every: 1m\n  missed_within: day" => "missed_within: \"day\" must be a number with s, m, h or d",
      "task: a/b\n  every: 1m\n  paused: later" => "paused: \"later\" must be true or false",
      "task: a/b\n  every: 1m\n  context: [1]" => "context: [1] must be a table",
      "task: a/b\n  every: 1m\n  context: {scheduled_for: x}" => "context: has the key scheduled_for, which is the time of the slot"
    }.each do |text, message|
      it "is refused with the place, the value and the fix: #{text.tr("\n", " ")}" do
        write("report:\n  #{text}\n")
        expect { load }.to raise_error(Tasker::ConfigurationError, a_string_starting_with("#{file}: report: #{message}"))
      end
    end

    it "is refused with everything that is wrong with it" do
      write("a: {task: x, every: 1m}\nb: 7\n")
      expect { load }.to raise_error(Tasker::ConfigurationError, /\A2 problems:\n  - .*: a: task: "x" .*\n  - .*: b: must be a table with `task` and `cron` or `every`, not 7\z/)
      write("a: [\n")
      expect { load }.to raise_error(Tasker::ConfigurationError, /schedules.yml: is not valid YAML: .*line/)
      write("- a\n")
      expect { load }.to raise_error(Tasker::ConfigurationError, /must be a table of schedules by name, not a Array/)
      file.delete
      expect { load }.to raise_error(Tasker::ConfigurationError, /schedules.yml does not exist; it holds the schedules, such as\n  nightly_report:/)
    end

    it "says which gem cron lines need when it is missing" do
      write("a: {task: x/y, cron: \"* * * * *\"}\n")
      allow_any_instance_of(TaskerContribRails::Schedules::Reader).to receive(:require).with("fugit").and_raise(LoadError)
      expect { load }.to raise_error(Tasker::ConfigurationError, /cron needs the gem fugit: run `bundle add fugit`, or write `every: 15m`/)
    end

    it "is paused by a variable, which must name what there is" do
      write("a: {task: x/y, every: 1m}\nb: {task: x/y, every: 2m}\n")
      paused = ->(value) { load("TASKER_SCHEDULES_PAUSED" => value).select(&:paused).map(&:name) }
      expect([ "", "b", " a, b", "*" ].map(&paused)).to eq([ [], %w[b], %w[a b], %w[a b] ])
      write("nightly: {task: x/y, every: 1m}\n")
      expect { paused.call("nightli") }.to raise_error(Tasker::ConfigurationError, /environment TASKER_SCHEDULES_PAUSED: there is no schedule "nightli" in .*; did you mean 'nightly'\?/)
    end
  end

  describe "a scheduler" do
    before { @now = Time.utc(2026, 12, 1, 12, 10) }

    # Remembers the slots of the tasks that it was asked for.
    scripted = Class.new do
      attr_accessor :failure
      attr_reader :slots

      def initialize = @slots = []

      def create_task(name, context, namespace:, version:, **)
        slots << "#{namespace}/#{name} #{version} #{context["scheduled_for"].delete_prefix("2026-12-01T")}"
        raise failure if failure

        Struct.new(:task_uuid).new("uuid")
      end
    end

    let(:client) { scripted.new }

    def scheduler = @scheduler ||= TaskerContribRails::Schedules::Scheduler.new(file:, client:, clock: -> { @now })

    # What is created at a time of the day.
    def at(time)
      @now = Time.utc(2026, 12, 1, *time.split(":").map(&:to_i))
      scheduler.tick
      client.slots.map { |line| line.split.last }.tap { client.slots.clear }
    end

    def hourly(more = "") = write("a: {task: x/y, cron: \"0 * * * *\"#{more}}\n")

    it "creates the task of each slot once, when its time has come" do
      hourly
      at("12:10:00")
      expect(at("12:59:59")).to eq([])
      expect(scheduler.tick).to be_between(0.5, 1)
      expect(at("13:00:00")).to eq(%w[13:00:00Z])
      expect(at("13:00:01")).to eq([])
      expect(at("14:00:00")).to eq(%w[14:00:00Z])
    end

    it "looks at its start for the newest slot that it may have missed, for all, or for none" do
      hourly
      scheduler.tick
      expect(client.slots).to eq([ "x/y 1.0.0 12:00:00Z" ])
      { ", missed: all, missed_within: 3h" => %w[10:00:00Z 11:00:00Z 12:00:00Z], ", missed: one, missed_within: 5m" => [], ", missed: skip" => [] }.each do |more, slots|
        hourly(more)
        @scheduler = nil
        client.slots.clear
        expect(at("12:10:00")).to eq(slots)
        expect(at("13:00:00")).to eq(%w[13:00:00Z])
      end
    end

    it "takes slots that passed while it slept as missed" do
      { "one" => %w[15:00:00Z], "all" => %w[13:00:00Z 14:00:00Z 15:00:00Z], "skip" => [] }.each do |missed, slots|
        hourly(", missed: #{missed}, missed_within: 1h")
        @scheduler = nil
        at("12:10:00")
        expect(at("15:30:00")).to eq(slots)
      end
    end

    it "takes a task that exists, or that is refused, as done" do
      hourly(", missed: skip")
      at("12:10:00")
      client.failure = Tasker::ConflictError.new("exists")
      expect([ at("13:00:00"), at("13:00:30") ]).to eq([ %w[13:00:00Z], [] ])
      client.failure = Tasker::InvalidRequestError.new("no such field")
      expect([ at("14:00:00"), at("14:00:30") ]).to eq([ %w[14:00:00Z], [] ])
      expect(log.string).to include("ERROR -- : schedule a: no task for 2026-12-01T14:00:00Z: no such field")
    end

    it "tries again, slower and slower, while the server is away, and other schedules go on" do
      hourly
      file.write("b: {task: x/z, every: 1h, missed: skip}\n", mode: "a")
      at("12:10:00")
      client.failure = Tasker::UnavailableError.new("away")
      expect(at("13:00:00")).to eq(%w[13:00:00Z 13:00:00Z])
      expect(at("13:00:00")).to eq([])
      expect(at("13:00:02")).to eq(%w[13:00:00Z 13:00:00Z])
      expect(at("13:00:03")).to eq([])
      client.failure = nil
      # One is missed by now, and skipped.
      expect(at("13:02:00")).to eq(%w[13:00:00Z])
      expect(at("13:03:00")).to eq([])
    end

    it "leaves out what is paused" do
      hourly(", paused: true")
      expect([ at("12:10:00"), at("13:00:00") ]).to eq([ [], [] ])
    end

    it "reads the file again when it has changed, and keeps what it knows when the new one is wrong" do
      hourly(", missed: skip")
      at("12:10:00")
      file.write("b: {task: x/z, every: 30m, missed: skip}\n", mode: "a")
      at("12:11:00")
      expect(log.string).to include("schedules.yml has changed; there are 2 schedules now")
      expect(at("12:30:00")).to eq(%w[12:30:00Z])
      write("a: {task: x}\n")
      expect(at("13:00:00")).to eq(%w[13:00:00Z 13:00:00Z])
      at("13:00:01")
      expect(log.string.scan("the schedules go on as they were: ").size).to eq(1)
      hourly(", missed: skip, paused: true")
      expect(at("14:00:00")).to eq([])
    end
  end

  describe "the commands" do
    # @return [Array] what a command prints, and the code with which it ends
    def tasker(command, *arguments)
      output = StringIO.new
      $stdout, $stderr = output, output
      allow(TaskerContribRails::App).to receive(:root).and_return(file.dirname.dirname.dirname)
      Rails::Command::Tasker::ScheduleCommand.perform(command, arguments, {})
      [ output.string, 0 ]
    rescue SystemExit => error
      [ output.string, error.status ]
    ensure
      $stdout, $stderr = STDOUT, STDERR
    end

    before { write("report: {task: reports/daily, cron: \"0 6 * * *\", time_zone: Asia/Tokyo}\nsync: {task: shop/sync, every: 1h, paused: true, context: {a: 1}}\n") }

    it "list schedules with their next slots" do
      expect(tasker("list")).to match([ %r{\Areport +reports/daily 1\.0\.0 +0 6 \* \* \* +\d{4}-\d\d-\d\d 06:00:00 JST +\d{4}-\d\d-\d\dT21:00:00Z *\nsync +shop/sync 1\.0\.0 +1h .* UTC .*:00:00Z +paused *\n\z}, 0 ])
    end

    it "create the task of one now, also when it is paused" do
      created = TaskerContribRails::Testing.recording_tasks { expect(tasker("now", "sync")).to match([ /\Atask \S+ for \d{4}-.*Z\n\z/, 0 ]) }
      expect(created).to match([ include(name: "sync", namespace: "shop", context: { "a" => 1, "scheduled_for" => /\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\z/ }) ])
      expect(tasker("now", "synk")).to eq([ "error: there is no schedule \"synk\" in config/tasker/schedules.yml; did you mean 'sync'?\n", 1 ])
    end
  end
end
