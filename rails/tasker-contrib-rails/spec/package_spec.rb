# frozen_string_literal: true

require "open3"
require "tmpdir"
require "yaml"

# The gem as it is published.
RSpec.describe "The built gem" do
  gem = File.expand_path("..", __dir__)

  around do |example|
    Dir.mktmpdir do |folder|
      @folder = folder
      example.run
    end
  end

  # Without a bundle around it, and without what this process has on its load path.
  def run(*command, chdir: @folder, **env)
    clean = ENV.keys.grep(/\A(BUNDLE|RUBYLIB|RUBYOPT|GEM_)/).to_h { |name| [ name, nil ] }
    output, status = Open3.capture2e(clean.merge(env.transform_keys(&:to_s)), *command, chdir:)
    expect(status).to be_success, output
    output
  end

  it "is built without a warning, installs into an empty GEM_HOME, and loads from there with all its parts" do
    # In a copy: the build puts the templates of the generators beside the specification.
    source = File.join(@folder, "source")
    FileUtils.mkdir_p(File.join(source, "gem"))
    FileUtils.cp_r(%w[lib sig docs .yardopts README.md CHANGELOG.md LICENSE tasker-contrib-rails.gemspec].map { |name| File.join(gem, name) }, File.join(source, "gem"))
    FileUtils.cp_r(File.join(gem, "../tasker-cli-plugin"), source)
    built = File.join(@folder, "tasker.gem")
    output = run("gem", "build", "--strict", "--output", built, "tasker-contrib-rails.gemspec", chdir: File.join(source, "gem"))
    expect(output).not_to match(/warning/i)
    home = File.join(@folder, "home")
    expect(run("gem", "install", "--local", "--ignore-dependencies", "--no-document", "--install-dir", home, built)).to include("1 gem installed")
    FileUtils.rm_rf(source)
    expect(inside(home)).to match([ %r{\A#{Regexp.escape(File.realpath(home))}/gems/tasker-contrib-rails-#{TaskerContribRails::VERSION}/lib/}, true, *[ "constant" ] * 5, [] ])
  end

  it "is tested with every Ruby and every Rails that its specification allows" do
    workflow = YAML.safe_load_file(File.join(gem, "../../.github/workflows/ci.yml"))
    matrix = workflow.dig("jobs", "rails", "strategy", "matrix")
    specification = Gem::Specification.load(File.join(gem, "tasker-contrib-rails.gemspec"))
    rails = specification.dependencies.find { |dependency| dependency.name == "railties" }.requirement
    expect(matrix["ruby"].map { |version| specification.required_ruby_version.satisfied_by?(Gem::Version.new(version)) }).to all(be(true))
    expect(matrix["rails"].map { |version| rails.satisfied_by?(Gem::Version.new(version)) }).to all(be(true))
    expect(matrix).to include("ruby" => start_with("3.2").and(end_with("3.4")), "rails" => start_with("7.1").and(end_with(/\A8\./)))
  end

  # Its dependencies are the machine's; it is that of the empty home alone.
  def inside(home)
    script = <<~RUBY
      gem "tasker-contrib-rails"
      require "tasker-contrib-rails"
      require "tasker_contrib_rails/rspec"
      require "tasker_contrib_rails/minitest"
      require "tasker_contrib_rails/cli"
      require "rails/generators"
      require "generators/tasker/rendered"
      require "json"
      names = [ Tasker::StepHandler, TaskerContribRails::RSpecMatchers, TaskerContribRails::MinitestHelpers, TaskerContribRails::CLI, Tasker::Generators::Rendered ]
      plugin = Class.new { include Tasker::Generators::Rendered; public :plugin }.new.plugin
      missing = Gem.loaded_specs["tasker-contrib-rails"].files.reject { |path| File.file?(File.join(Gem.loaded_specs["tasker-contrib-rails"].full_gem_path, path)) }
      puts [ $LOADED_FEATURES.grep(/tasker_contrib_rails.rb/).first, File.file?(File.join(plugin, "tasker-plugin.toml")), *names.map { |name| defined?(name) && "constant" }, missing ].to_json
    RUBY
    path = [ File.realpath(home), *Gem.path ].join(File::PATH_SEPARATOR)
    JSON.parse(run(RbConfig.ruby, "-e", script, GEM_PATH: path, GEM_HOME: home).lines.last)
  end
end
