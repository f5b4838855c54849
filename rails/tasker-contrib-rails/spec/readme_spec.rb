# frozen_string_literal: true

require "open3"
require "tmpdir"

# Every block of the README runs.
RSpec.describe "The README" do
  readme = File.read(File.expand_path("../README.md", __dir__))
  blocks = ->(language) { readme.scan(/^```#{language}\n(.*?)^```/m).flatten }

  it "has an example whose tests pass" do
    Dir.mktmpdir do |folder|
      FileUtils.mkdir_p(File.join(folder, "config/tasks"))
      File.write(File.join(folder, "config/tasks/ship.yaml"), blocks.call("yaml").first)
      handlers, tasks, configure, events, tests = blocks.call("ruby")
      File.write(File.join(folder, "shop.rb"), "require \"tasker_contrib_rails\"\nmodule Shop; end\n#{handlers}\n#{configure}\n#{events}\n")
      File.write(File.join(folder, "shop_spec.rb"), "require_relative \"shop\"\n#{tests}\n" \
        "RSpec.describe(\"tasks\") { it(\"are created\") { expect(TaskerContribRails::Testing.recording_tasks { #{tasks.lines.first} }.size).to eq(1) } }\n")
      output, status = Open3.capture2e("rspec", "-I", File.expand_path("../lib", __dir__), "shop_spec.rb", chdir: folder)
      expect(status).to be_success, output
      expect(output).to include("4 examples, 0 failures")
    end
  end

  it "begins with five lines, whose generators there are, and links to what there is" do
    start = blocks.call("sh").first
    expect(start.lines.size).to eq(5)
    start.scan(/tasker:(\w+)/).flatten.each { |generator| expect(Dir[File.expand_path("../lib/generators/tasker/**/#{generator}_generator.rb", __dir__)]).not_to be_empty }
    guides = Dir[File.expand_path("../docs/*.md", __dir__)].map { |path| "docs/#{File.basename(path)}" }
    expect(readme.scan(/\]\((docs[^)]+)\)/).flatten.uniq).to match_array(guides)
  end
end
