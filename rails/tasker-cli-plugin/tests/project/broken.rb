# frozen_string_literal: true

# Breaks every generated class and requires that its specs and its Minitest tests notice: in a copy of the project each method raises before
# it does anything, and settings have other values. A file of tests that still passes tests nothing.

require "fileutils"
require "json"
require "open3"
require "tmpdir"

# Has Minitest print the file of each test that fails.
REPORTER = <<~RUBY
  require "minitest"

  class FailedFiles < Minitest::AbstractReporter
    def record(result)
      puts "FAILED \#{result.source_location.first}" unless result.passed?
    end
  end

  Minitest.extensions << "failed_files"
  def Minitest.plugin_failed_files_init(_) = reporter << FailedFiles.new
RUBY

broken = []
report = {}
minitest = ""
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
      place = file.sub(%r{\A(app|config)/}, "").delete_suffix(".rb")
      broken << "spec/#{place}_spec.rb" << "test/#{place}_test.rb"
    end
    Open3.capture2e("rspec", "--format", "json", "--out", "report.json")
    report = JSON.parse(File.read("report.json"))
    File.write("failed_files.rb", REPORTER)
    minitest, = Open3.capture2e("ruby", "-r", "./failed_files.rb", "run_tests.rb")
  end
end
failed = report["examples"].select { |example| example["status"] == "failed" }.map { |example| example["file_path"].delete_prefix("./") }
failed += minitest.scan(%r{FAILED \S+?/project/(test/\S+)$}).flatten
# Batch workers and convergences are tested with their analyzer.
unaware = broken.reject { |file| failed.include?(file) || file.match?(/_(batch|total)_handler_(spec|test)\.rb\z/) }
unaware.each { |file| puts "#{file} passes although its class is broken" }
puts "#{broken.size / 2} broken classes, each with specs and tests, #{unaware.size} unnoticed"
exit(broken.any? && unaware.empty?)
