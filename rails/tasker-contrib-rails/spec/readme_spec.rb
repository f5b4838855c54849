# frozen_string_literal: true

require "open3"
require "tmpdir"
require "tasker_contrib_rails/testing"

# Every block of the README runs.
RSpec.describe "The README" do
  readme = File.read(File.expand_path("../README.md", __dir__))
  blocks = ->(language) { readme.scan(/^```#{language}\n(.*?)^```/m).flatten }

  it "has an example whose tests pass" do
    Dir.mktmpdir do |folder|
      FileUtils.mkdir_p(File.join(folder, "config/tasks"))
      File.write(File.join(folder, "config/tasks/ship.yaml"), blocks.call("yaml").first)
      handlers, charge, tasks, _outbox, configure, events, tests = blocks.call("ruby")
      File.write(File.join(folder, "shop.rb"), "require \"tasker_contrib_rails\"\nmodule Shop; end\n#{handlers}\n#{charge}\n#{configure}\n#{events}\n")
      File.write(File.join(folder, "shop_spec.rb"), "require_relative \"shop\"\n#{tests}\n" \
        "RSpec.describe(\"tasks\") { it(\"are created\") { expect(TaskerContribRails::Testing.recording_tasks { #{tasks.lines.first} }.size).to eq(1) } }\n")
      output, status = Open3.capture2e("rspec", "-I", File.expand_path("../lib", __dir__), "shop_spec.rb", chdir: folder)
      expect(status).to be_success, output
      expect(output).to include("4 examples, 0 failures")
    end
  end

  it "sends the key of a step with the charge" do
    stub_const("Shop", Module.new)
    class_eval(blocks.call("ruby")[1])
    asked = nil
    bank = Faraday.new("http://bank") do |http|
      http.request :json
      http.response :json
      http.adapter(:test) { |stub| stub.post("/charges") { |env| [ 200, { "content-type" => "application/json" }, { payment_id: (asked = env.request_headers["idempotency-key"]) }.to_json ] } }
    end
    Shop::ChargeHandler.define_method(:connection) { bank }
    key = "01a231bf-bd9d-73b0-b3f6-b5bed562e0af"
    extend TaskerContribRails::Testing::Helpers
    expect(run_step(Shop::ChargeHandler, results: { price: { cents: 500 } }, idempotency_key: key).result).to eq("payment_id" => key)
    expect(asked).to eq(key)
  end

  it "has an outbox whose task is there with its order", :outbox do
    stub_const("Order", Class.new(ActiveRecord::Base) { self.table_name = "orders" })
    eval(blocks.call("ruby")[3])
    expect(TaskerContribRails::OutboxEntry.sole).to have_attributes(name: "ship", namespace: "shop", context: { "order_id" => Order.sole.id }, ordering_key: "order-#{Order.sole.id}")
  end

  it "begins with five lines that work, one after the other, in a new app" do
    app = DummyApp.new
    lines = blocks.call("sh").first.lines(chomp: true)
    expect([ lines.size, lines.last ]).to eq([ 5, "bin/tasker start" ])
    lines[0..3].each { |line| expect(app.run(*line.split)).to match([ anything, 0 ]), line }
    worker = app.start(*lines.last.split)
    Timeout.timeout(60) { sleep(0.01) until worker.output.include?("tasker runs steps") }
    worker.signal("TERM")
    expect([ worker.wait, worker.output ]).to match([ 0, not_include("warning") ])
  ensure
    app&.close
  end

  it "has install lines that Bundler takes" do
    app = DummyApp.new
    path, core = blocks.call("sh")[1].lines(chomp: true)
    gemfile = app.read("Gemfile")
    app.write("Gemfile", gemfile.lines.grep_v(/tasker-contrib-rails/).join)
    gem = File.expand_path("..", __dir__)
    expect(app.run(*path.sub("../tasker-contrib/rails/tasker-contrib-rails", gem).split, "--skip-install")).to match([ anything, 0 ])
    expect(app.read("Gemfile")).to match(/^gem "tasker-contrib-rails", .*path: "#{Regexp.escape(gem)}"/)
    # Where the gem of Core is cannot be reached from here: what Bundler writes, that `tasker:install` expects.
    expect(core).to eq("bundle add tasker-rb --require=false")
  ensure
    app&.close
  end

  it "links to what there is" do
    guides = Dir[File.expand_path("../docs/*.md", __dir__)].map { |path| "docs/#{File.basename(path)}" }
    expect(readme.scan(/\]\((docs[^)]+)\)/).flatten.uniq).to match_array(guides)
  end
end
