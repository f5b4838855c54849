# frozen_string_literal: true

require_relative "template_helper"

RSpec.describe "A project made from the template", :template do
  it "has its own name everywhere, and nothing of the template itself" do
    old = /document[-_ ]?intake|template only|xtask:|spec.template/i
    ours = files(project).reject { |path| path.to_s.include?("/vendor/gems/") }
    expect(ours.select { |path| path.read.match?(old) }).to eq([])
    expect(project.join("config/application.rb").read).to include("module ClaimsDesk")
    expect(project.join("compose.yaml").read).to include("name: claims-desk")
    expect(project.children.map { |path| path.basename.to_s }).not_to include("template.rb", "template")
    # Its own checks make one.
    expect(project.glob("Gemfile.lock").map(&:read)).to all(not_include("remote: ../"))
    expect(project.join("spec/template")).not_to exist
  end

  it "takes its gems from where Rails does, and the gem of this repository from its own folder" do
    gemfile = project.join("Gemfile").read
    expect(gemfile).to match(/^source "http\S+"$/).and match(/^gem "rails", "~> #{Rails.version[/\d+\.\d+\.\d+/]}"/)
    expect(gemfile).to include("gem \"tasker-contrib-rails\", path: \"vendor/gems/tasker-contrib-rails\"")
    expect(gemfile.match?(/^gem "tasker-rb"/)).to eq(Rails::VERSION::MAJOR >= 8)
    expect(project.join("vendor/gems/tasker-contrib-rails/plugin/tasker-plugin.toml")).to exist
  end

  it "has programs that can be run" do
    expect(project.join("bin").children).to all(be_executable)
  end

  [ %w[rubocop --cache false], %w[bundle exec rspec --tag ~database --tag ~stack], %w[bin/tasker check] ].each do |command|
    it "passes its own checks: #{command.join(" ")}" do
      output, code = run(*command)
      expect(code).to eq(0), output
    end
  end
end

RSpec.describe "The template", :template do
  around do |example|
    Dir.mktmpdir { |folder| (@folder = folder).then { example.run } }
  end

  it "makes nothing of a wrong name, and says why in one sentence" do
    output, code = rails_new("Claims")
    expect([ output.lines.last, code ]).to match([ /\Aerror: "Claims" is not a name for a project[^\n]*\n\z/, 1 ])
    expect(Dir.children(@folder)).to eq([])
  end

  it "leaves the making of names that Rails refuses to Rails" do
    expect(rails_new("test")).to match([ /Invalid application name test/, 1 ])
    expect(Dir.children(@folder)).to eq([])
  end

  it "leaves a folder alone that has files" do
    mine = Pathname(@folder).join(NewProjects::NAME, "deep/notes.txt")
    mine.dirname.mkpath
    mine.write("mine")
    output, code = rails_new(NewProjects::NAME)
    expect([ output.lines.last, code ]).to match([ /\Aerror: \S+ exists and is not empty: name a folder that does not exist\.\n\z/, 1 ])
    expect(files(@folder).to_h { |path| [ path, path.read ] }).to eq(mine => "mine")
    expect(Dir.glob("**/*/", File::FNM_DOTMATCH, base: @folder)).to match_array(%w[./ claims-desk/ claims-desk/deep/])
  end
end

RSpec.describe Template::Project do
  { "a--b" => "is not a name for a project", "x" * 41 => "is not a name for a project", "1x" => "is not a name for a project",
    "intake" => "is a name that the application uses itself", "virus_scanner" => "is a name that the application uses itself", "tasker" => "is a name that the application uses itself" }.each do |name, why|
    it "refuses the name #{name.inspect}" do
      Dir.mktmpdir do |folder|
        new, refusals = Pathname(folder).join(name).tap(&:mkpath), []
        described_class.new(new, name, name.underscore.camelize).refuse_if_wrong { |said| refusals << said }
        expect(refusals).to match([ /\A"#{Regexp.escape(name)}" #{why}[^\n]*\z/ ])
        expect(new).not_to exist
      end
    end
  end
end

RSpec.describe Template::Leftovers do
  it "reads how long a process runs" do
    expect([ "00:07", "  01:05", "03:04:05", "2-03:04:05" ].map { |text| described_class.elapsed(text) }).to eq([ 7, 65, 11_045, 183_845 ])
  end

  it "knows when this process began" do
    expect(described_class.process_began).to be_between(3.hours.ago, Time.now)
  end

  it "takes nothing for its own that was written before" do
    program = "require #{File.expand_path("../../template/leftovers", __dir__).dump}; print Template::Leftovers.process_began.to_r"
    before = Array.new(10) { [ Time.now, IO.popen([ RbConfig.ruby, "-e", program ], &:read).to_r ] }
    expect(before.map { |time, began| began >= time.to_r }).to all(be(true))
  end
end
