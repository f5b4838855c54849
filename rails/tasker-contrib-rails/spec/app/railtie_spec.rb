# frozen_string_literal: true

require "active_support/encrypted_configuration"

# What the railtie gives an app.
RSpec.describe "An app with the gem" do
  before { @app = DummyApp.new }
  after { @app&.close }

  # @return [Array] what a script in the app gives, and what it printed besides
  def inside(script, more: {})
    output, code = @app.run("bin/rails", "runner", "puts \"=> \#{(#{script}).to_json}\"", more:)
    expect(code).to eq(0), output
    [ JSON.parse(output[/^=> (.*)$/, 1]), output ]
  end

  it "has a deprecator, a load hook, config.tasker, and handlers that are loaded by name" do
    @app.write("config/initializers/hook.rb", "ActiveSupport.on_load(:tasker) { ::HOOKED = self }\nRails.application.config.tasker.worker.concurrency = 3\n")
    @app.write("app/handlers/shop/pay_handler.rb", "class Shop::PayHandler < Tasker::StepHandler\n  def call(_context) = {}\nend\n")
    @app.write("lib/steps/far_handler.rb", "class FarHandler < Tasker::StepHandler\n  def call(_context) = {}\nend\n")
    script = "{ deprecator: Rails.application.deprecators[:tasker] == TaskerContribRails.deprecator, hooked: HOOKED.name, concurrency: Tasker.settings[\"worker.concurrency\"], handler: Shop::PayHandler.name, " \
             "far: (FarHandler.name rescue \"unknown\") }"
    expect(inside(script).first).to eq("deprecator" => true, "hooked" => "Tasker", "concurrency" => 3, "handler" => "Shop::PayHandler", "far" => "unknown")
    expect(inside(script, more: { "TASKER_HANDLERS" => "lib/steps" }).first).to include("far" => "FarHandler")
    @app.write("config/initializers/late.rb", "Tasker.configure { |config| config.handlers = \"lib/steps\" }\n")
    expect(inside(script).first).to include("far" => "unknown")
    expect(@app.read("log/development.log")).to match(%r{handlers = lib/steps \(.*config/initializers/late.rb:1\) is set too late to be loaded by name})
  end

  it "does not boot with a config.tasker that was replaced, and is warned when it is configured too late" do
    @app.write("config/initializers/late.rb", "Rails.application.config.to_prepare { Tasker.configure { |config| config.worker.concurrency = 3 } }\nTasker.settings\n")
    inside("Tasker.settings[\"worker.concurrency\"]")
    expect(@app.read("log/development.log")).to match(%r{worker.concurrency was set at .*config/initializers/late.rb:1 after the settings were read, and has no effect})
    @app.write("config/initializers/late.rb", "Rails.application.config.tasker = { mode: \"client\" }\n")
    output, code = @app.run("bin/rails", "runner", "1")
    expect(code).to eq(1)
    expect(output).to include("config.tasker was replaced by a Hash; set its values instead: config.tasker.mode = \"client\"")
  end

  it "reads credentials, and says that a value comes from them" do
    file = ActiveSupport::EncryptedConfiguration.new(config_path: File.join(@app.root, "config/credentials.yml.enc"), key_path: File.join(@app.root, "config/master.key"),
      env_key: "RAILS_MASTER_KEY", raise_if_missing_key: true)
    @app.write("config/master.key", ActiveSupport::EncryptedConfiguration.generate_key)
    file.write("tasker:\n  orchestration:\n    token: very-secret\n  core:\n    common:\n      backoff:\n        jitter_enabled: false\n")
    token, = inside("[ Tasker.settings[\"orchestration.token\"], Tasker.settings.source(\"orchestration.token\"), Tasker.settings.core_values[\"common.backoff.jitter_enabled\"] ]")
    expect(token).to eq([ "very-secret", "credentials tasker", false ])
    output, = @app.run("bin/tasker", "config")
    expect(output).to match(/^orchestration.token +\*\*\* +credentials tasker$/).and not_include("very-secret")
  end

  it "is warned when the pool of the database has fewer connections than the worker has threads" do
    @app.write("app/handlers/echo_handler.rb", "class EchoHandler < Tasker::StepHandler\n  def call(_context) = {}\nend\n")
    @app.write("config/tasks/echo.yaml", { "name" => "echo", "namespace_name" => "shop", "version" => "1.0.0", "steps" => [ { "name" => "step", "handler" => { "callable" => "EchoHandler" } } ] }.to_yaml)
    script = "TaskerContribRails::App.start(command: true); Tasker.stop; File.read(\"log/development.log\").scan(/worker.concurrency is .*/)"
    expect(inside(script, more: { "TASKER_WORKER__CONCURRENCY" => "6" }).first)
      .to match([ /worker.concurrency is 6, but config\/database.yml has a pool of 5: .* set `pool: 6` or more there/ ])
    File.delete(File.join(@app.root, "log/development.log"))
    expect(inside(script, more: { "TASKER_WORKER__CONCURRENCY" => "5" }).first).to eq([])
  end

  it "creates a task when a real transaction is committed, and none after a rollback" do
    script = "require \"tasker_contrib_rails/testing\"; TaskerContribRails::Testing.recording_tasks { " \
             "ActiveRecord::Base.transaction { Tasker.create_task(\"kept\") }; ActiveRecord::Base.transaction { Tasker.create_task(\"lost\"); raise ActiveRecord::Rollback } }.map { |task| task[:name] }"
    expect(inside(script).first).to eq([ "kept" ])
  end

  it "keeps its own /up" do
    expect(@app.read("config/routes.rb")).to include("rails/health#show").and include('mount Tasker::Health => "/tasker"')
    script = "[ \"/up\", \"/tasker/live\", \"/tasker/ready\", \"/tasker/other\" ].to_h { |path| [ path, Rails.application.call(Rack::MockRequest.env_for(path, \"HTTP_HOST\" => \"localhost\")).then { |status, headers, _| [ status, headers[\"content-type\"] ] } ] }"
    answers, = inside(script)
    expect(answers).to match("/up" => [ 200, /html/ ], "/tasker/live" => [ 200, "application/json" ], "/tasker/ready" => [ 503, "application/json" ], "/tasker/other" => [ 404, "application/json" ])
  end
end
