# frozen_string_literal: true

require "json"

RSpec.describe TaskerContribRails::Config::Connection do
  it "renders URLs as all packages do" do
    cases = JSON.parse(File.read(File.expand_path("../../../../xtask/contract/connection-cases/urls.json", __dir__)))
    expect(cases.size).to be > 3
    cases.each { |row| expect(described_class.url(row["url"], "n")).to eq(row["rendered"].sub("{name}", "n")), row["about"] }
  end

  it "gives each process a name of its own, short and safe" do
    expect(described_class.name).to eq(described_class.name).and match(/\Atkw:ruby:[\w.-]+:#{Process.pid}:\h{8}\z/)
    reader, writer = IO.pipe
    Process.wait(fork { writer.write(described_class.name) })
    writer.close
    expect(reader.read).to start_with("tkw:ruby:").and(satisfy { |name| name != described_class.name })
    expect(described_class.new_name("a b:c&d#{"x" * 80}")).to match(/\Atkw:ruby:abcdx+:/).and(satisfy { |name| name.bytesize <= 63 })
    expect(described_class.new_name("é")).to start_with("tkw:ruby:host:")
  end
end
