# frozen_string_literal: true

require "tmpdir"
require "tomlrb"

RSpec.describe TaskerContribRails::Configuration do
  config = described_class
  problem = TaskerContribRails::ConfigurationError

  def resolve(**, &)
    described_class.new.tap { |configuration| yield configuration if block_given? }.resolve(environment: {}, **)
  end

  it "writes friendly names through to Core's keys" do
    settings = resolve { |c| c.database.pool_size = 20 }
    expect(settings["database.pool_size"]).to eq(20)
    expect(settings.core_values).to eq("common.database.pool.max_connections" => 20)
    expect(settings.source("database.pool_size")).to match(/configuration_spec.rb:\d+\z/)
  end

  it "takes any key of Core by its path" do
    expect(resolve { |c| c.core["common.backoff.jitter_enabled"] = false }.core_values).to eq("common.backoff.jitter_enabled" => false)
  end

  it "refuses unknown names at once, with what was meant" do
    expect { config.new.databse.pool_size = 1 }.to raise_error(problem, "databse: unknown setting; did you mean 'database'?")
    expect { config.new.database.pool = 1 }.to raise_error(problem, /did you mean 'database.pool_size'/)
    expect { config.new.drain_timout = 1 }.to raise_error(problem, /did you mean 'drain_timeout'/)
    expect { config.new.database.url }.not_to raise_error
    expect(config.new).to respond_to(:database).and respond_to(:mode=)
    expect(config.new).not_to respond_to(:databse)
  end

  it "says all that is wrong in one message, each with value, limits and place" do
    expect do
      resolve(environment: { "TASKER_WORKER__CONCURRENCY" => "many", "TASKER_DATABSE__URL" => "x" }, credentials: { orchestration: { timeout_ms: 1 } }) do |c|
        c.database.pool_size = 5000
        c.core["common.backoff.jiter_enabled"] = true
        c.core["orchestration.web.enabled"] = false
        c.mode = "wrker"
        c.database.url = "postgres://app:secret@db/app"
      end
    end.to raise_error(problem) { |error|
      expect(error.problems).to contain_exactly(
        "environment TASKER_DATABSE__URL: unknown setting; did you mean TASKER_DATABASE__URL?",
        "worker.concurrency = many (environment TASKER_WORKER__CONCURRENCY): must be a whole number [Core's key worker.mpsc_channels.handler_dispatch.max_concurrent_handlers]",
        "orchestration.timeout_ms = 1 (credentials tasker): must be 100 to 300000 [Core's key worker.orchestration_client.timeout_ms]",
        /\Adatabase.pool_size = 5000 \(.+:\d+\): must be 1 to 1000 \[Core's key common.database.pool.max_connections\]/,
        /jiter_enabled"\] = true \(.*\): is not a key of Core's configuration; did you mean 'common.backoff.jitter_enabled'/,
        /orchestration.web.enabled.*is a key of the server/,
        /\Amode = wrker .*one of auto, off, client, worker; did you mean 'worker'/,
        %r{\Adatabase.url = postgres://app:\*\*\*@db/app .*must start with postgresql://, not postgres://; write postgresql://app:\*\*\*@db/app}
      )
      expect(error.message).not_to include("secret")
    }
  end

  it "reads code, variables, credentials and the file, in this order" do
    Dir.mktmpdir do |folder|
      file = Pathname(folder).join("tasker.toml")
      file.write("drain_timeout = 1\nmode = \"off\"\n[database]\npool_size = 1\nmin_connections = 1\nidle_timeout = 1\n[core.common.backoff]\njitter_enabled = false\n")
      settings = resolve(environment: { "TASKER_DATABASE__POOL_SIZE" => "2", "TASKER_DATABASE__MIN_CONNECTIONS" => "2", "DATABASE_URL" => "postgresql://a:b@h/one",
                                        "TASKER_DATABASE__URL" => "postgresql://a:b@h/two" },
        credentials: { database: { pool_size: 4, min_connections: 4, idle_timeout: 4 } }, file:) { |c| c.database.pool_size = 3 }
      values = %w[database.pool_size database.min_connections database.idle_timeout drain_timeout mode database.url].map { |name| settings[name] }
      expect(values).to eq([ 3, 2, 4, 1.0, "off", "postgresql://a:b@h/two" ])
      expect(settings.core_values["common.backoff.jitter_enabled"]).to be(false)
      expect(settings.source("drain_timeout")).to eq(file.to_s)
      file.write("[database\n")
      expect { resolve(file:) }.to raise_error(problem, /tasker.toml: is not valid TOML/)
    end
  end

  it "explains the values that Core gets, each of them" do
    settings = resolve(environment: { "TASKER_DATABASE__POOL_SIZE" => "7" })
    rows = settings.explain.select(&:core_key).to_h { |row| [ row.core_key, row.value ] }
    TaskerContribRails::Config::File.values(settings).each { |path, value| expect([ path, rows[path] ]).to eq([ path, TaskerContribRails::Config::Secrets.shown(path, value) ]) }
    expect(rows.values_at("worker.event_systems.worker.deployment_mode", "common.database.pool.max_connections")).to eq(%w[PollingOnly 7])
  end

  it "does not fail a process that only creates tasks because of the app's own DATABASE_URL" do
    settings = resolve(environment: { "DATABASE_URL" => "sqlite3:db/x" })
    expect(settings.worker_problems).to match([ /database.url = \*\*\* \(environment DATABASE_URL\): must have the form/ ])
  end

  it "says what has no effect" do
    expect(resolve { |c| c.core["common.queues.naming_pattern"] = "x" }.warnings).to match([ /naming_pattern.*has no effect: Core 0.1.8 never reads this key/ ])
  end

  it "refuses a key that is set under both of its names" do
    expect { resolve { |c| c.database.pool_size = 1 and c.core["common.database.pool.max_connections"] = 2 } }.to raise_error(problem, /also set by the setting 'database.pool_size'/)
  end

  it "renders a complete file whatever is set: Core has no defaults of its own" do
    settings = resolve do |c|
      c.database.url = "postgresql://app:pa$${HOME}\"x@db/app"
      c.orchestration.token = "t"
    end
    text = TaskerContribRails::Config::File.render(settings)
    expect(text).not_to include("$")
    parsed = Tomlrb.parse(text)
    expect(parsed.dig("common", "database", "url")).to start_with("postgresql://app:pa$${HOME}\"x@db/app?application_name=tkw:ruby:")
    contract = TaskerContribRails::Contract
    wanted = contract::CONFIG_KEYS.keys.reject do |path|
      path.start_with?("orchestration.") || contract::OPTIONAL_SECTIONS.keys.any? { |section| path.start_with?("#{section}.") && section != "worker.orchestration_client" }
    end
    expect(wanted.reject { |path| parsed.dig(*path.split(".")) != nil }).to be_empty
    expect(parsed.dig("worker", "event_systems", "worker", "deployment_mode")).to eq("PollingOnly")
    expect(parsed["worker"]).not_to include("web", "grpc")
    expect(parsed.dig("worker", "orchestration_client", "auth")).to eq("type" => "bearer", "token" => "t")
    expect(text).not_to match(/^web_api/)
  end

  it "explains every value without secrets" do
    settings = resolve do |c|
      c.database.url = "postgresql://app:secret@db/app?sslpassword=alsosecret"
      c.orchestration.api_key = "secret"
    end
    rows = settings.explain.to_h { |row| [ row.name, row ] }
    expect(rows.values.map(&:value).join).not_to include("secret")
    expect(rows["database.url"].value).to eq("postgresql://app:***@db/app")
    expect(rows["database.pool_size"]).to have_attributes(value: "25", source: "default", core_key: "common.database.pool.max_connections")
    expect(rows).to include("common.backoff.jitter_enabled", "mode")
    expect(rows.keys.grep(/\Aorchestration\.(web|dlq)/)).to be_empty
  end

  it "names the mistake in a database URL, and never its password" do
    {
      "mysql://a:b@h/d" => /PostgreSQL URL/, "postgresql://a:b@c@h/d" => /write it as %40/, "postgresql://a@h/d" => /user without a password/,
      "postgresql://a:b@[::1]/d" => /IPv6/, "postgresql://a:b@/d" => /no host/, "postgresql://a:b@h/" => /no database name/, "postgresql://a b:c@h/d" => /user name/,
      "postgresql://a:b@h/d d" => /database name/, "" => /is empty/, "postgresql://a:x/y@h/d" => %r{has a / in the password; write it as %2F}
    }.each do |url, reason|
      expect { resolve { |c| c.database.url = url } }.to raise_error(problem, reason), url
    end
  end

  it "writes TOML that reads back, whatever the text" do
    random = Random.new(7)
    200.times do
      text = Array.new(random.rand(20)) { [ "a", "\"", "\\", "$", "{", "}", "\n", "\t", "é", "\u007f", "#", "'" ].sample(random:) }.join
      expect(Tomlrb.parse(TaskerContribRails::Config::Toml.write("a.b.c" => text)).dig("a", "b", "c")).to eq(text)
    end
  end
end
