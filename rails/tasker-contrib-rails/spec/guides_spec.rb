# frozen_string_literal: true

require "active_job"
require "tasker_contrib_rails/testing"
require "yaml"

# The files that docs/guides/run-a-job-every-day.md quotes do what it says.
RSpec.describe "The guide to daily jobs" do
  folder = File.join(__dir__, "guides")

  before do
    stub_const("ApplicationJob", Class.new(ActiveJob::Base) { self.logger = Logger.new(nil) })
    load File.join(folder, "daily_report_job.rb")
  end

  after { Object.send(:remove_const, :DailyReportJob) }

  it "creates a report whose context is the day" do
    days = [ Time.now.utc.to_date.iso8601 ]
    created = TaskerContribRails::Testing.recording_tasks { DailyReportJob.perform_now }
    days << Time.now.utc.to_date.iso8601
    expect(created).to match([ a_hash_including(namespace: "reports", name: "daily_report", context: { "day" => be_in(days) }) ])
  end

  it "takes a report that exists as done, and nothing else" do
    allow(Tasker).to receive(:create_task).and_raise(Tasker::ConflictError, "it exists")
    expect { DailyReportJob.perform_now }.not_to raise_error
    allow(Tasker).to receive(:create_task).and_raise(Tasker::ClientError, "no")
    expect { DailyReportJob.perform_now }.to raise_error(Tasker::ClientError)
  end

  it "is scheduled by its class" do
    schedule = YAML.load_file(File.join(folder, "recurring.yml")).dig("production", "daily_report")
    expect(schedule).to include("class" => "DailyReportJob", "schedule" => "0 6 * * * Etc/UTC")
  end
end
