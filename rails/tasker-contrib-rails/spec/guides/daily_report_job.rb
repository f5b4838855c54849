# frozen_string_literal: true

# Creates today's report. Run it as often as you like: a day has one report.
class DailyReportJob < ApplicationJob
  def perform
    day = Time.now.utc.to_date.iso8601
    Tasker.create_task("daily_report", { day: }, namespace: "reports")
  rescue Tasker::ConflictError
    logger.info("the report of #{day} exists already")
  end
end
