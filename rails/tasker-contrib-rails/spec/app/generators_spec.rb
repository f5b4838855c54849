# frozen_string_literal: true

RSpec.describe "The generators, in an app made by rails new" do
  before { @app = DummyApp.new }
  after { @app&.close }

  def generate(name, *options, **more) = @app.run("bin/rails", "generate", "tasker:#{name}", *options, **more)

  it "install what an app needs, and can be run again" do
    expect(%w[config/initializers/tasker.rb config/tasker.toml bin/tasker app/handlers/.keep config/tasks/.keep].reject { |path| @app.exist?(path) }).to be_empty
    expect(File.executable?(File.join(@app.root, "bin/tasker"))).to be(true)
    expect(@app.read("config/routes.rb").scan("mount Tasker::Health").size).to eq(1)
    @app.write("Procfile.dev", "web: bin/rails server\n")
    2.times { generate("install") }
    expect(@app.read("Procfile.dev")).to eq("web: bin/rails server\nworker: bin/tasker start\n")
    expect(@app.read("config/routes.rb").scan("mount Tasker::Health").size).to eq(1)
    expect(generate("update").first).to include("identical  config/tasker.toml")
  end

  it "make a handler with the test of the app's framework, and remove both again" do
    before = @app.files
    expect(generate("step_handler", "charge_card", "--namespace", "billing", "--pretend").last).to eq(0)
    expect(@app.files).to eq(before)
    FileUtils.mkdir_p(File.join(@app.root, "spec"))
    generate("step_handler", "charge_card", "--namespace", "billing")
    expect(@app.files.keys - before.keys).to contain_exactly("app/handlers/billing/charge_card_handler.rb", "spec/handlers/billing/charge_card_handler_spec.rb")
    @app.run("bin/rails", "destroy", "tasker:step_handler", "charge_card", "--namespace", "billing")
    expect(@app.files).to eq(before)
    FileUtils.rm_rf(File.join(@app.root, "spec"))
    generate("step_handler", "charge_card", "--namespace", "billing", "--type", "api", "--skip-spec")
    expect(@app.files.keys - before.keys).to eq([ "app/handlers/billing/charge_card_handler.rb" ])
    @app.run("bin/rails", "destroy", "tasker:step_handler", "charge_card", "--namespace", "billing", "--type", "api", "--skip-spec")
  end

  it "say what to do next" do
    output, = generate("step_handler", "charge_card", "--namespace", "billing")
    expect(output).to include("Next: give a step of a task template this line, then run `bin/tasker check`:\n  handler: {callable: Billing::ChargeCardHandler}\n")
    output, = generate("step_handler", "charge_card", "--namespace", "billing", "--type", "batchable", "--force")
    expect(output).to include("Next: copy the three steps from the comment in app/handlers/billing/charge_card_handler.rb into a task template")
    output, = generate("task_template", "order", "--namespace", "billing", "--steps", "charge_card")
    expect(output).to include("Next: make the handlers that its steps call, where there are none yet, then run `bin/tasker check`:\n  bin/rails generate tasker:step_handler charge_card --namespace billing\n")
    expect(generate("step_handler", "charge_card", "--namespace", "billing", "--pretend", "--force").first).not_to include("Next:")
    output, = @app.run("bin/rails", "destroy", "tasker:step_handler", "charge_card", "--namespace", "billing")
    expect(output).not_to include("Next:")
  end

  it "make no handler that calls Tasker's own server as if it were the API" do
    template = File.read(File.expand_path("../../../tasker-cli-plugin/templates/step_handler_api/handler.rb.tera", __dir__))
    expect(template).to include('_URL", "https:')
    expect(template).not_to include(TaskerContribRails::Config::Keys.default("orchestration.url"))
  end

  it "obey the app: its test framework, its folders of handlers and templates" do
    FileUtils.mkdir_p(File.join(@app.root, "spec"))
    @app.write("config/initializers/zz_generators.rb", "Rails.application.config.generators.test_framework = :test_unit\nTasker.configure { |config| config.handlers = \"lib/steps\" and config.templates = \"config/flows\" }\n")
    before = @app.files.keys
    generate("step_handler", "charge_card", "--namespace", "billing")
    generate("task_template", "order", "--namespace", "billing", "--steps", "charge_card")
    expect(@app.files.keys - before).to contain_exactly("config/flows/order.yaml", "test/handlers/billing/charge_card_handler_test.rb")
    expect(@app.exist?("lib/steps/billing/charge_card_handler.rb")).to be(true)
    expect(@app.exist?("app/handlers/billing")).to be(false)
  end

  it "ask about a conflict, and take the answer" do
    @app.write("app/subscribers/charge_card_subscriber.rb", "# mine\n")
    output, = Open3.capture2e(@app.env, "bin/rails", "generate", "tasker:subscriber", "charge_card", chdir: @app.root, stdin_data: "n\n")
    expect(output).to match(/conflict +app\/subscribers\/charge_card_subscriber.rb\n.*Overwrite/m)
    expect(@app.read("app/subscribers/charge_card_subscriber.rb")).to eq("# mine\n")
    Open3.capture2e(@app.env, "bin/rails", "generate", "tasker:subscriber", "charge_card", chdir: @app.root, stdin_data: "y\n")
    expect(@app.read("app/subscribers/charge_card_subscriber.rb")).to include("class ChargeCardSubscriber")
  end

  it "do not double a suffix" do
    generate("step_handler", "refund_handler", "--skip-spec")
    generate("step_handler", "PayHandler", "--skip-spec")
    generate("subscriber", "pager_subscriber")
    expect(@app.read("app/handlers/refund_handler.rb")).to include("class RefundHandler <")
    expect(@app.read("app/handlers/pay_handler.rb")).to include("class PayHandler <")
    expect(@app.read("app/subscribers/pager_subscriber.rb")).to include("class PagerSubscriber <")
  end

  it "never overwrite unasked" do
    @app.write("app/subscribers/charge_card_subscriber.rb", "# mine\n")
    generate("subscriber", "charge_card", "--skip")
    expect(@app.read("app/subscribers/charge_card_subscriber.rb")).to eq("# mine\n")
    generate("subscriber", "charge_card", "--force")
    expect(@app.read("app/subscribers/charge_card_subscriber.rb")).to include("class ChargeCardSubscriber")
  end

  it "make a subscriber that gets each event once, also after code was reloaded" do
    generate("subscriber", "charge_card")
    lines = @app.read("app/subscribers/charge_card_subscriber.rb").scan(/^#   (Tasker.+)$/).join("\n")
    @app.write("config/initializers/zz_subscribers.rb", lines)
    script = "2.times { Rails.application.reloader.reload! }; TaskerContribRails::Events.publish(:step_completed, step: \"pay\", duration_ms: 5)"
    expect(@app.run("bin/rails", "runner", script)).to match([ anything, 0 ])
    expect(@app.read("log/development.log").scan("pay took 5 ms").size).to eq(1)
  end

  it "refuse names that are none" do
    expect(generate("step_handler", "../evil")).to match([ %r{the name '\.\./evil' must be letters}, 1 ])
    expect(generate("task_template", "x", "--steps", "a,b:c/d")).to match([ %r{the step 'c/d'}, 1 ])
  end

  it "make templates and handlers that fit each other" do
    generate("task_template", "order", "--namespace", "billing", "--steps", "charge_card")
    expect(@app.run("bin/tasker", "check")).to match([ /no handler 'Billing::ChargeCardHandler'.*billing\/charge_card_handler.rb/m, 1 ])
    generate("step_handler", "charge_card", "--namespace", "billing", "--skip-spec")
    expect(@app.run("bin/rails", "tasker:check")).to eq([ "settings, 1 template and their handlers: no errors, 0 warnings\n", 0 ])
  end

  Dir[File.expand_path("../golden/*", __dir__)].each do |folder|
    template = File.basename(folder)
    next if %w[task_template subscriber].include?(template)

    it "make tests that pass: #{template}, with RSpec and with Minitest" do
      Dir.mktmpdir do |project|
        FileUtils.cp_r("#{folder}/.", project)
        boot = <<~RUBY
          $LOAD_PATH.unshift(#{DummyApp::GEM.inspect} + "/lib")
          require "tasker_contrib_rails"
          require "zeitwerk"
          Zeitwerk::Loader.new.tap { |loader| loader.push_dir(File.join(#{project.inspect}, "app/handlers")) }.setup
        RUBY
        File.write(File.join(project, "spec/spec_helper.rb"), "#{boot}require \"tasker_contrib_rails/rspec\"\n")
        File.write(File.join(project, "test/test_helper.rb"), "#{boot}require \"active_support/test_case\"\nrequire \"minitest/autorun\"\n")
        output, status = Open3.capture2e("rspec", "-r", "./spec/spec_helper", "spec", chdir: project)
        expect(status).to be_success, output
        output, status = Open3.capture2e("ruby", "-Itest", *Dir.chdir(project) { Dir["test/handlers/**/*_test.rb"] }, chdir: project)
        expect(status).to be_success, output
        output, status = Open3.capture2e("rubocop", "--config", File.join(DummyApp::GEM, ".rubocop.yml"), "--cache", "false", "app", chdir: project)
        expect(status).to be_success, output
      end
    end
  end

  it "have golden files that tasker-ctl makes", if: ENV["TASKER_CTL_BIN"].present? do
    Dir[File.expand_path("../golden/*", __dir__)].each do |folder|
      Dir.mktmpdir do |scratch|
        FileUtils.mkdir_p(File.join(scratch, ".config"))
        File.write(File.join(scratch, ".config/tasker.toml"), "[cli]\nplugin-paths = [#{File.expand_path("../../../tasker-cli-plugin", __dir__).inspect}]\n")
        template = File.basename(folder)
        values = template == "task_template" ? %w[-p name=order -p namespace=billing -p steps=charge_card] : %w[-p name=charge_card]
        values += %w[-p namespace=billing] if template.start_with?("step_handler")
        _, status = Open3.capture2e(ENV.fetch("TASKER_CTL_BIN"), "template", "generate", template, "-l", "ruby", "-o", "out", *values, chdir: scratch)
        expect(status).to be_success
        contents = ->(root) { Dir.chdir(root) { Dir["**/*"].select { |path| File.file?(path) }.to_h { |path| [ path, File.read(path) ] } } }
        expect(contents.call(File.join(scratch, "out"))).to eq(contents.call(folder))
      end
    end
  end
end
