# frozen_string_literal: true

require "json_schemer"
require "rake"
require "yaml"
require_relative "template_helper"

# The files that no other example reads.
RSpec.describe "What a project is shipped with", :template do
  repository = Rails.root.join("../..")
  readme = Rails.root.join("README.md").read

  def text(name) = Rails.root.join(name).read
  def yaml(name) = YAML.safe_load(text(name), aliases: true)

  it "pins actions as this repository does" do
    rows = text("../../.github/action-pins.toml").split("[[action]]").drop(1).map { |row| row.scan(/^(\w+) = "(.*)"$/).to_h }
    used = text(".github/workflows/ci.yml").scan(/uses: (.+)/).flatten
    expect(used).not_to be_empty
    expect(used - rows.map { |row| "#{row["name"]}@#{row["commit"]} # v#{row["version"]}" }).to eq([])
  end

  it "fits the chart of workers" do
    properties = JSON.parse(text("../../ops/helm/tasker-worker/values.schema.json"))["properties"]
    yaml("values.yaml").each do |name, value|
      expect(properties).to include(name)
      value.is_a?(Hash) ? expect(properties[name]["properties"].keys).to(include(*value.keys)) : expect(JSONSchemer.schema(properties[name]).valid?(value)).to(be(true), name)
    end
  end

  %w[compose.yaml compose.production.yaml].each do |name|
    it "confines the services of #{name}, and gives Tasker's database to the worker alone" do
      services = yaml(name)["services"]
      own = services.slice("migrate", "web", "relay", "worker")
      expect(own.values).to all(include("read_only" => true, "cap_drop" => [ "ALL" ])).and have_attributes(size: 4)
      expect(own.select { |_, service| service["environment"].keys.grep(/\ADATABASE_URL/).any? }.keys).to eq([ "worker" ])
      expect(services.values.flat_map { |service| service["ports"] || [] }).to all(start_with("127.0.0.1:"))
    end
  end

  it "has data files that can be read, and the license of this repository" do
    %w[renovate.json .devcontainer/devcontainer.json].each { |name| JSON.parse(text(name)) }
    expect(text("LICENSE")).to eq(repository.join("LICENSE").read)
  end

  it "has the workflows of the other templates" do
    %w[intake_document finish_review].each do |name|
      theirs = YAML.safe_load(text("../../python/tasker-fastapi-template/config/tasks/#{name}.yaml"))
      theirs["steps"].each { |step| step["handler"]["callable"] = step["handler"]["callable"].sub("intake.", "intake/").camelize + "Handler" }
      expect(yaml("config/tasks/#{name}.yaml")).to eq(theirs)
    end
  end

  it "takes secrets from files" do
    Dir.mktmpdir do |folder|
      secret = Pathname(folder).join("secret")
      print_it = [ Rails.root.join("bin/entrypoint").to_s, "sh", "-c", "printf %s \"$SECRET_KEY_BASE\"" ]
      secret.write("a $(b) 'c'\n")
      expect(Open3.capture2e({ "SECRET_KEY_BASE_FILE" => secret.to_s }, *print_it).first).to eq("a $(b) 'c'")
      secret.write("")
      [ secret, secret.sub("secret", "missing") ].each do |file|
        output, status = Open3.capture2e({ "SECRET_KEY_BASE_FILE" => file.to_s }, *print_it)
        expect([ output, status.exitstatus ]).to match([ /\Aerror: the file [^\n]* \(SECRET_KEY_BASE_FILE\) [^\n]*\n\z/, 1 ])
      end
    end
  end

  describe "for production" do
    good = { "RAILS_ENV" => "production", "SECRET_KEY_BASE" => "k3Z0" * 12, "APP_DATABASE_URL" => "postgresql://app:Vq7-long-one@127.0.0.1:1/app" }

    def in_production(variables, *command)
      output, status = Open3.capture2e(NewProjects::CLEAN.merge(variables), *command, chdir: Rails.root.to_s, unsetenv_others: true, stdin_data: "")
      [ output, status.exitstatus ]
    end

    it "starts with secrets of its own, with TLS but for probes, and logs in JSON" do
      script = <<~'RUBY'
        app = Rack::MockRequest.new(Rails.application)
        puts [ app.get("/session").status, app.get("/session", "HTTP_X_FORWARDED_PROTO" => "https").headers["strict-transport-security"], app.get("/tasker/live").status ].to_json
      RUBY
      output, code = in_production(good, "bin/rails", "runner", script)
      expect(code).to eq(0), output
      *logs, answers = output.lines
      expect(JSON.parse(answers)).to match([ 301, /max-age=31556952; includeSubDomains/, 200 ])
      expect(logs.map { |line| JSON.parse(line) }).to include(include("message" => "GET no route", "status" => 301), include("message" => "GET /session", "status" => 200))
    end

    [ %w[bin/tasker start], %w[bundle exec puma --config config/puma.rb] ].each do |command|
      it "does not start with an example secret, and names its variable: #{command.join(" ")}" do
        expect(in_production(good.except("SECRET_KEY_BASE"), *command)).to match([ /\Aerror: SECRET_KEY_BASE: has its example value, [^\n]*\n\z/, 1 ])
      end
    end

    it "says what is missing for traces", unless: Gem::Specification.find_all_by_name("opentelemetry-sdk").any? do
      expect(in_production({ **good, "OTEL_EXPORTER_OTLP_ENDPOINT" => "http://127.0.0.1:9" }, "bin/rails", "runner", "1"))
        .to match([ %r{\Aerror: OTEL_EXPORTER_OTLP_ENDPOINT is set, but opentelemetry/sdk is not installed: [^\n]*\n\z}, 1 ])
    end
  end

  describe "in its README" do
    it "are paths, programs and settings that there are" do
      readme.scan(/^\| `([^`]+)`/).flatten.each { |path| expect(Rails.root.join(path)).to exist, path }
      readme.scan(%r{\bbin/\w+}).uniq.each { |program| expect(Rails.root.join(program)).to be_executable, program }
      readme.scan(/\b(?:SECRET_KEY_BASE|APP_DATABASE_URL|DB_POOL_SIZE)\b/).uniq.each { |name| expect(text("lib/settings.rb")).to include("\"#{name}\"") }
      expect(readme.scan(/^```/).size).to eq(8)
    end

    it "are commands that Rails and Tasker have" do
      commands = Rails.root.join("README.md").read.scan(%r{bin/rails ([\w:]+)}).flatten.uniq
      expect(commands).to contain_exactly("users:add", "db:migrate", "db:prepare", "server", "tasker:outbox:relay")
      Rails.application.load_tasks unless Rake::Task.task_defined?("users:add")
      expect(%w[users:add db:prepare db:migrate].map { |name| Rake::Task.task_defined?(name) }).to all(be(true))
    end
  end

  it "has one settings' variable for each line of .env.example, and its examples are refused" do
    examples = text(".env.example").scan(/^(\w+)=(.*)$/).to_h
    Settings.new(examples)
    expect { Settings.new(examples.merge("RAILS_ENV" => "production")) }.to raise_error(Settings::Invalid, /SECRET_KEY_BASE.*\nAPP_DATABASE_URL.*\nDATABASE_URL/)
  end
end
