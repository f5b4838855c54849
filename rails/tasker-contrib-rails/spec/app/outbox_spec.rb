# frozen_string_literal: true

# The outbox of a real app with two databases, from the generator to the relay.
RSpec.describe "The outbox of an app" do
  after do
    @app&.close
    @server&.close
  end

  # As in the README.
  generate, migrate, relay_line = File.read(File.expand_path("../../README.md", __dir__)).scan(/^```sh\n(.*?)^```/m).flatten[2].lines(chomp: true).map(&:split)

  def rails(*arguments) = @app.run("bin/rails", *arguments)

  def make_app
    @app = DummyApp.new(more: { "TASKER_OUTBOX" => "true", "TASKER_OUTBOX_BASE" => "BillingRecord", "TASKER_ORCHESTRATION_URL" => @server.url })
    @app.write("app/models/billing_record.rb", "class BillingRecord < ActiveRecord::Base\n  self.abstract_class = true\n  connects_to database: { writing: :billing }\nend\n")
    @app.write("config/database.yml", <<~YAML)
      development:
        primary: {adapter: sqlite3, database: storage/primary.sqlite3}
        billing: {adapter: sqlite3, database: storage/billing.sqlite3, migrations_paths: db/billing_migrate}
    YAML
  end

  it "is made by the generator, written in its database's transactions, and relayed by a process that finishes its row at SIGTERM" do
    relay = nil
    @server = HttpServer.new do |request|
      relay.signal("TERM")
      asked = JSON.parse(request.body)
      [ 200, {}, asked.slice("name", "namespace", "version", "context", "correlation_id").merge("task_uuid" => SecureRandom.uuid, "status" => "pending") ]
    end
    make_app
    expect(rails("tasker:outbox:list")).to match([ /\Aerror: there is no table tasker_outbox in the database of BillingRecord .*; run `bin\/rails generate tasker:outbox` and `bin\/rails db:migrate`\n\z/, 1 ])
    expect(@app.run(*generate, "--database", "billing"))
      .to match([ %r{create  db/billing_migrate/\d+_create_tasker_outbox.rb.*Next: run `bin/rails db:migrate`, set `config.outbox = true`}m, 0 ])
    expect(@app.run(*migrate).last).to eq(0)
    script = "BillingRecord.transaction { Tasker.create_task(\"kept\") }; BillingRecord.transaction { Tasker.create_task(\"lost\"); raise ActiveRecord::Rollback }; " \
             "Tasker.create_task(\"later\"); puts TaskerContribRails::OutboxEntry.pluck(:name).join(\",\")"
    expect(rails("runner", script)).to eq([ "kept,later\n", 0 ])

    relay = @app.start(*relay_line)
    expect([ relay.wait(180), relay.output ]).to match([ 0, /^relaying tasker_outbox; process \d+$.*^stopped$/m ])
    expect(rails("tasker:outbox:list")).to match([ %r{\A\d+  open  \S+Z  default/later 1.0.0\n1 open, 0 dead, lag \d+ s\n\z}, 0 ])
  end

  it "is not needed by an app without ActiveRecord" do
    script = "require \"tasker_contrib_rails\"; require \"tasker_contrib_rails/testing\"; print TaskerContribRails::Testing.recording_tasks { Tasker.create_task(\"a\") }.size, defined?(ActiveRecord::Base).inspect"
    output, status = Open3.capture2e(RbConfig.ruby, "-I", File.join(DummyApp::GEM, "lib"), "-e", script)
    expect([ output, status.exitstatus ]).to eq([ "1nil", 0 ])
  end
end
