# frozen_string_literal: true

# An app whose author starts the worker in an initializer, and says that every process is a worker.
RSpec.describe "Processes that never run steps", :echo_app do
  before do
    @app.write("config/initializers/zz_careless.rb", <<~RUBY)
      Rails.application.config.after_initialize do
        decision = TaskerContribRails::App.start
        File.write(Rails.root.join("tmp/decisions"), "\#{decision}\\n", mode: "a")
      end
    RUBY
  end

  # @return [String] what the process decided
  def decision(*command, input: "", more: {})
    FileUtils.rm_f(File.join(@app.root, "tmp/decisions"))
    output, = Open3.capture2e(@app.env.merge("TASKER_MODE" => "worker", **more), *command, chdir: @app.root, stdin_data: input)
    @app.exist?("tmp/decisions") ? @app.read("tmp/decisions").strip : raise(output)
  end

  after { expect(boots).to be_empty }

  it "are consoles and runners" do
    expect(decision("bin/rails", "console", input: "1\n")).to eq("client: this is a console")
    expect(decision("bin/rails", "runner", "1")).to eq("client: this is rails runner")
  end

  it "are rake tasks, migrations, and the precompilation of assets" do
    @app.write("lib/tasks/look.rake", "task(look: :environment) { nil }\nnamespace(:assets) { task(precompile: :environment) { nil } }\n")
    expect(decision("bin/rake", "look")).to eq("client: this is a rake task")
    expect(decision("bin/rails", "db:migrate")).to eq("client: this is a rake task")
    expect(decision("bin/rails", "assets:precompile")).to eq("client: this is asset precompilation")
  end

  it "are generators, and what undoes them" do
    @app.write("lib/generators/look/look_generator.rb", "class LookGenerator < Rails::Generators::Base\nend\n")
    expect(decision("bin/rails", "generate", "look")).to eq("client: this is a generator")
    expect(decision("bin/rails", "destroy", "look")).to eq("client: this is a generator")
  end

  it "are Spring's server, and what it runs" do
    skip "Spring is not installed here" unless Gem::Specification.find_all_by_name("spring").any?

    @app.write("Gemfile", "#{@app.read("Gemfile")}gem \"spring\"\n")
    # Spring older than 3 sets what Rails 7 does not have any more.
    @app.write("config/spring.rb", "require \"active_support/dependencies\"\nActiveSupport::Dependencies.singleton_class.attr_accessor(:mechanism) unless ActiveSupport::Dependencies.respond_to?(:mechanism=)\n")
    @app.run("bundle", "install", "--local", "--quiet")
    expect(decision("bundle", "exec", "spring", "rails", "runner", "1")).to eq("client: this is a Spring server")
    expect(@app.run("bundle", "exec", "spring", "rails", "runner", "puts TaskerContribRails::App.decide.reason", more: { "TASKER_MODE" => "worker" }).first).to match(/this is (rails runner|a Spring server)/)
  ensure
    @app.run("bundle", "exec", "spring", "stop") if Gem::Specification.find_all_by_name("spring").any?
  end
end
