# frozen_string_literal: true

require "fugit"
require "json"

# When a schedule's tasks are created: the cases of all languages, and what holds for every zone.
RSpec.describe "The slots of a schedule" do
  read = ->(more) { TaskerContribRails::Schedules::Schedule.read("one", { "task" => "a/b" }.merge(more)) }

  JSON.load_file(File.expand_path("../../../../xtask/contract/schedule-cases/cases.json", __dir__)).each do |row|
    it "are right: #{row["name"]}" do
      schedule = read.call(row.slice("cron", "every", "time_zone"))
      expect(schedule.slots.after(Time.iso8601(row["after"])).first(row["slots"].size).map(&:iso8601)).to eq(row["slots"])
    end
  end

  %w[UTC Europe/Paris America/New_York America/Sao_Paulo Australia/Lord_Howe Asia/Beirut].each do |zone|
    it "of a daily 02:30 come once on each date of ten years, #{zone}" do
      dates = (Date.new(2015, 1, 1)...Date.new(2025, 1, 1)).to_a
      info = TZInfo::Timezone.get(zone)
      slots = read.call("cron" => "30 2 * * *", "time_zone" => zone).slots.after(info.local_to_utc(Time.utc(2015)) - 1).first(dates.size)
      expect(slots.map { |slot| info.to_local(slot).to_date }).to eq(dates)
    end

    it "of every half hour leave none out and double none, #{zone}" do
      slots = read.call("cron" => "*/30 * * * *", "time_zone" => zone).slots.after(Time.utc(2024) - 1).first(366 * 48)
      expect(slots).to eq(Array.new(366 * 48) { |index| Time.utc(2024) + (index * 1800) })
    end
  end

  it "of a fixed hour that midnight skips come on the same date" do
    slots = read.call("cron" => "15 0 * * *", "time_zone" => "America/Sao_Paulo").slots.after(Time.utc(2018, 11, 3, 12)).first(2)
    expect(slots.map(&:iso8601)).to eq(%w[2018-11-04T03:00:00Z 2018-11-05T02:15:00Z])
  end

  it "of several minutes in a skipped hour are one" do
    slots = read.call("cron" => "0,30 2,3 * * *", "time_zone" => "Europe/Paris").slots.after(Time.utc(2026, 3, 28, 12)).first(3)
    expect(slots.map(&:iso8601)).to eq(%w[2026-03-29T01:00:00Z 2026-03-29T01:30:00Z 2026-03-30T00:00:00Z])
  end
end
