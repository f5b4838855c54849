# frozen_string_literal: true

RSpec.describe TaskerContribRails::Mode do
  def decide(setting = "auto", **facts) = described_class.decide(setting, described_class::Facts.new(**facts), source: "config/application.rb:3")

  ready = { database: true, templates: true }

  it "runs steps where it was asked to: bin/tasker, or Puma with the plugin" do
    expect(decide(command: true)).to have_attributes(mode: :worker, reason: "this process was started to run steps")
    expect(decide(puma_plugin: true, **ready)).to have_attributes(mode: :worker, reason: /Puma runs with the plugin/)
    expect(decide("worker")).to have_attributes(mode: :worker, reason: "mode is 'worker' (config/application.rb:3)")
    expect(decide(kind: :rake, command: true)).to be_worker
  end

  it "never does in a console, generator, rake task, runner, precompilation or Spring, whatever is set" do
    described_class::NEVER.each do |kind, words|
      expect(decide("worker", kind:, **ready)).to have_attributes(mode: :client, reason: "this is #{words}")
      expect(decide(kind:, puma_plugin: true, **ready)).to be_client
    end
  end

  it "never does in what may be Puma's master, or in a forked child of a worker" do
    expect(decide("worker", puma: true, **ready)).to have_attributes(mode: :client, reason: /`plugin :tasker` in config\/puma.rb/)
    expect(decide("worker", forked_from: 12, command: true)).to have_attributes(mode: :client, reason: "forked from process 12, which runs a worker")
  end

  it "says what is missing" do
    expect(decide).to have_attributes(mode: :client, reason: /steps run in bin\/tasker/)
    expect(decide(puma_plugin: true, templates: true)).to have_attributes(mode: :client, reason: /DATABASE_URL/)
    expect(decide(puma_plugin: true, database: true)).to have_attributes(mode: :client, reason: "the template folder config/tasks does not exist")
    expect(decide(kind: :test, puma_plugin: true, **ready)).to have_attributes(mode: :client, reason: /tests are running/)
  end

  it "takes a process for Puma's only when Puma was started in it, not when its gem is loaded" do
    script = 'require "tasker_contrib_rails"; require "puma"; puts TaskerContribRails::ProcessFacts.puma?; Puma::Launcher; puts TaskerContribRails::ProcessFacts.puma?'
    out, = Open3.capture2e(RbConfig.ruby, "-I#{File.expand_path("../../lib", __dir__)}", "-e", script)
    expect(out).to eq("false\ntrue\n")
  end

  it "obeys off and client everywhere" do
    %w[off client].each { |mode| expect(decide(mode, command: true, **ready).mode.to_s).to eq(mode) }
  end
end
