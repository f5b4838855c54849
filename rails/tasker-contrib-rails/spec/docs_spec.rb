# frozen_string_literal: true

require "json"
require "open3"
require "tmpdir"
require "yaml"
require "rails/generators"
require "active_job"
require "rails/command"
require "rails/commands/tasker/outbox/outbox_command"
require "rails/commands/tasker/schedule/schedule_command"
require "tasker_contrib_rails/testing"
%w[install/install_generator outbox/outbox_generator step_handler_generator subscriber_generator task_template_generator update_generator].each { |file| require "generators/tasker/#{file}" }

# What the guides say is what there is.
RSpec.describe "The guides" do
  gem = File.expand_path("..", __dir__)
  guides = Dir[File.join(gem, "docs/*.md")].to_h { |path| [ File.basename(path, ".md"), File.read(path) ] }
  blocks = ->(guide, language) { guides.fetch(guide).scan(/^```#{language}\n(.*?)^```/m).flatten }
  row = ->(guide, name) { guides.fetch(guide)[/^\| `#{Regexp.escape(name)}`(?:, `[^`]+`)* \| (.*) \|$/, 1] }

  around do |example|
    Dir.mktmpdir do |folder|
      @folder = folder
      readme = File.read(File.join(gem, "README.md"))
      FileUtils.mkdir_p(File.join(folder, "config/tasks"))
      File.write(File.join(folder, "config/tasks/ship.yaml"), readme[/^```yaml\n(.*?)^```/m, 1])
      File.write(File.join(folder, "shop.rb"), "require \"tasker_contrib_rails\"\nmodule Shop; end\n#{readme[/^```ruby\n(.*?)^```/m, 1]}")
      example.run
    end
  end

  def run(*command)
    output, status = Open3.capture2e(*command, chdir: @folder)
    expect(status).to be_success, output
    output
  end

  ruby = [ RbConfig.ruby, "-I", File.join(gem, "lib") ]

  it "testing: every example passes, with RSpec and with Minitest" do
    helper, rspec, minitest = blocks.call("testing", "ruby")
    File.write(File.join(@folder, "shop_spec.rb"), "require_relative \"shop\"\n#{helper}\n#{rspec}")
    expect(run("rspec", "-I", File.join(gem, "lib"), "shop_spec.rb")).to include("7 examples, 0 failures")
    File.write(File.join(@folder, "shop_test.rb"), "require \"active_support/test_case\"\nrequire \"minitest/autorun\"\nrequire_relative \"shop\"\n#{minitest}")
    expect(run(*ruby, "shop_test.rb")).to include("4 runs", "0 failures, 0 errors")
    names = guides["testing"].scan(/`run\["step"\]` \| (.*) \|/).flatten.first.scan(/`(\w+)`/).flatten.map(&:to_sym)
    expect(names - TaskerContribRails::Testing::StepRecord.members).to be_empty
  end

  it "events: every event with its payload, and the examples run" do
    contract = TaskerContribRails::Contract
    contract::EVENTS.each do |key, name|
      cells = row.call("events", name) || row.call("events", "worker_stopped.tasker")
      expect(cells.scan(/`(\w+)`/).flatten.map(&:to_sym)).to include(*contract::EVENT_DATA.fetch(key)), name
    end
    (contract::ERROR_TYPES.values + TaskerContribRails::Events::LEGACY.values).each { |word| expect(guides["events"]).to include("`#{word}`") }
    subscribe, subscriber = blocks.call("events", "ruby")
    File.write(File.join(@folder, "events.rb"), <<~RUBY)
      require_relative "shop"
      module Rails
        def self.logger = Logger.new($stdout)
      end
      module Pager
        def self.call(text) = puts("pager: \#{text}")
      end
      #{subscribe}
      #{subscriber}
      TaskerContribRails::Events.publish(:step_failed, { step: "pack", message: "no box", retryable: false }, duration: 0.5)
    RUBY
    expect(run(*ruby, "events.rb")).to include("pack failed after 500 ms: no box").and include("pager: no box\n")
  end

  it "configuration: every setting with its default; the same values in Ruby, TOML and credentials" do
    keys = TaskerContribRails::Config::Keys
    expect(guides["configuration"].scan(/^\| `([a-z_.]+)` \|/).flatten).to match_array(keys::NAMES)
    keys::NAMES.each do |name|
      shown = row.call("configuration", name)[/\A(?:`([^`]*)`)?/, 1]
      expect(shown).to eq(keys.default(name)&.to_s), name
    end
    code = blocks.call("configuration", "ruby").first
    file = File.join(@folder, "tasker.toml")
    File.write(file, blocks.call("configuration", "toml").first)
    File.write(File.join(@folder, "settings.rb"), <<~RUBY)
      require_relative "shop"
      #{code}
      settings = TaskerContribRails::App.configuration.resolve(environment: {}, file: Pathname(#{file.inspect}), credentials: #{YAML.safe_load(blocks.call("configuration", "yaml").first).fetch("tasker").inspect})
      puts [ settings["database.pool_size"], settings["worker.concurrency"], settings["drain_timeout"], settings.core_values["common.backoff.jitter_enabled"], settings["orchestration.token"] ].to_json
    RUBY
    expect(JSON.parse(run(*ruby, "settings.rb").lines.last)).to eq([ 20, 10, 60.0, false, "secret" ])
  end

  it "generators: every one with every option of its own" do
    [ Tasker::Generators::InstallGenerator, Tasker::Generators::UpdateGenerator, Tasker::Generators::OutboxGenerator, Tasker::Generators::StepHandlerGenerator, Tasker::Generators::SubscriberGenerator,
      Tasker::Generators::TaskTemplateGenerator ].each do |generator|
      expect(guides["generators"]).to include("`#{generator.namespace}")
      own = generator.class_options.keys - Rails::Generators::Base.class_options.keys
      own.each { |option| expect(guides["generators"]).to include("| `--#{option.to_s.tr("_", "-")}` | `#{generator.namespace}` |") }
    end
    blocks.call("generators", "sh").first.scan(/tasker:(\w+)/).flatten.each { |name| expect(Rails::Generators.find_by_namespace("tasker:#{name}")).not_to be_nil }
  end

  it "deployment: files that parse, commands that exist, and time enough to drain" do
    worker, probes, kamal = blocks.call("deployment", "yaml").map { |text| YAML.safe_load(text) }
    pod = worker.dig("spec", "template", "spec")
    drain = TaskerContribRails::Config::Keys.default("drain_timeout")
    expect(pod["terminationGracePeriodSeconds"]).to be >= drain + 20
    expect(kamal.dig("servers", "worker", "options", "stop-timeout")).to be >= drain + 20
    expect([ pod["containers"].first["command"].join(" "), kamal.dig("servers", "worker", "cmd"), blocks.call("deployment", "text")[1][/^worker: (.*)$/, 1] ]).to all(eq("bin/tasker start"))
    variables = pod["containers"].first["env"].map { |variable| variable["name"] } + kamal["env"]["clear"].keys + kamal["env"]["secret"] - %w[RAILS_ENV]
    keys = TaskerContribRails::Config::Keys
    expect(variables - keys::NAMES.map { |name| keys.variable(name) } - keys::PLAIN_VARIABLES.keys).to be_empty
    expect(probes.values.map { |probe| probe.dig("httpGet", "path") }).to eq(%w[/tasker/live /tasker/ready])
    expect(TaskerContribRails::Mode::NEVER.keys - %i[console runner rake generator precompile spring]).to be_empty
    blocks.call("deployment", "ruby").each { |text| expect(RubyVM::InstructionSequence.compile(text)).not_to be_nil }
  end
  it "outbox: its settings are taken, its job relays, and its commands exist", :outbox do
    all, job, base = blocks.call("outbox", "ruby")
    eval(all)
    expect(Tasker.settings["outbox"]).to be(true)
    stub_const("ApplicationJob", Class.new(ActiveJob::Base) { self.logger = Logger.new(nil) })
    client = OutboxHelpers::ScriptedClient.new
    TaskerContribRails::App.instance_variable_set(:@client, client)
    Tasker.create_task("ship")
    eval(job)
    RelayJob.perform_now
    expect(client.asked.map(&:first)).to eq([ "ship" ])
    TaskerContribRails::App.reset!
    eval(base)
    expect(Tasker.settings["outbox_base"]).to eq("BillingRecord")
    lines = [ *blocks.call("outbox", "sh"), *blocks.call("outbox", "console"), *blocks.call("outbox", "text") ].join.lines.grep(/tasker:outbox:/)
    expect(lines.map { |line| line[/tasker:outbox:(\w+)/, 1] }.uniq).to match_array(Rails::Command::Tasker::OutboxCommand.commands.keys)
    expect(guides["outbox"].scan(/^\| `(tasker_contrib_\w+)`/).flatten).to eq([ :outbox_up, *TaskerContribRails::Outbox::Metrics::FIELDS.keys ].map { |key| TaskerContribRails::Contract::METRICS[key].name })
    expect(guides["outbox"]).to include("dead after #{TaskerContribRails::Outbox::Delivery::NOT_FOUND_ATTEMPTS} attempts")
    expect(guides["outbox"]).to include("1, 2, 4 … at most #{TaskerContribRails::Outbox::Delivery::LONGEST_WAIT.to_i} seconds")
  ensure
    Object.send(:remove_const, :RelayJob) if defined?(RelayJob)
  end
  it "schedules: the file is right, every key is explained, and the commands exist" do
    schedules = TaskerContribRails::Schedules
    file = Pathname(@folder).join("schedules.yml")
    file.write(blocks.call("schedules", "yaml").first)
    nightly, stock = schedules.load(file:, environment: {})
    expect([ nightly.name, nightly.version, stock.version, stock.missed ]).to eq([ "nightly_report", "1.0.0", "2.0.0", :skip ])
    expect(nightly.context_for(nightly.next_after(Time.utc(2026, 12)))).to eq("region" => "eu", "scheduled_for" => "2026-12-01T05:00:00Z")
    expect(guides["schedules"].scan(/^\| `(\w+)` \|/).flatten).to match_array(schedules::Reader::KEYS)
    file.write("a: {task: a/b, every: 1d}")
    plain = schedules.load(file:, environment: {}).first
    shown = %w[version time_zone missed missed_within].map { |key| row.call("schedules", key)[/`([^`]+)`/, 1] }
    expect(shown).to eq([ plain.version, plain.zone.name.sub("Etc/UTC", "UTC"), plain.missed.to_s, "1d" ])
    expect(guides["schedules"]).to include("1, 2, 4 … at most #{schedules::Job::LONGEST_WAIT.to_i} seconds").and include("creates #{schedules::MOST_MISSED} tasks at most")
    names = blocks.call("schedules", "console").first.scan(/tasker:schedule(?::(\w+))?/).flatten.map { |name| name || "schedule" }
    expect(names).to match_array(Rails::Command::Tasker::ScheduleCommand.commands.keys)
  end
end
