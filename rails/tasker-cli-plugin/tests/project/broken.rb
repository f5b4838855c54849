# frozen_string_literal: true

# Breaks every generated class and requires that its specs notice: in a copy of the project each method raises before it does anything,
# and settings have other values. A spec file that still passes tests nothing.

require "fileutils"
require "json"
require "open3"
require "tmpdir"

broken = []
report = {}
Dir.mktmpdir("broken-", File.dirname(__dir__)) do |scratch|
  copy = File.join(scratch, "project")
  FileUtils.cp_r(__dir__, copy)
  Dir.chdir(copy) do
    Dir["{app,config/initializers}/**/*.rb"].each do |file|
      source = File.read(file)
      text = source.gsub(/^( +)def (?:call|step_\w+)\(\w+\)$/) { "#{$&}\n#{$1}  raise 'broken on purpose'" }
        .gsub(/^( +def call\(\w+\) =) .*$/, "\\1 raise('broken on purpose')").gsub(/^( +config\.\S+ =) (\d+)$/) { "#{$1} #{$2.to_i + 1}" }
      next if text == source

      File.write(file, text)
      broken << file.sub(%r{\A(app|config)/}, "spec/").sub(/\.rb\z/, "_spec.rb")
    end
    Open3.capture2e("rspec", "--format", "json", "--out", "report.json")
    report = JSON.parse(File.read("report.json"))
  end
end
failed = report["examples"].select { |example| example["status"] == "failed" }.map { |example| example["file_path"].delete_prefix("./") }
# Batch workers and convergences are tested with their analyzer.
unaware = broken.reject { |spec| failed.include?(spec) || spec.match?(/_(batch|total)_handler_spec\.rb\z/) }
unaware.each { |spec| puts "#{spec} passes although its class is broken" }
puts "#{broken.size} broken classes, #{unaware.size} unnoticed"
exit(broken.any? && unaware.empty?)
