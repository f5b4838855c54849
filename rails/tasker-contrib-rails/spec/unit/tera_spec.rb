# frozen_string_literal: true

require "tomlrb"
require_relative "../../lib/generators/tasker/rendered"

# `cargo xtask template test` writes the snapshots with tasker-ctl; here they have to come out without it.
RSpec.describe Tasker::Generators::Tera do
  plugin = File.expand_path("../../../tasker-cli-plugin", __dir__)
  tests = Tomlrb.load_file(File.join(plugin, "template-tests.toml"))
  renderer = Class.new { include Tasker::Generators::Rendered }.new

  snapshots = Dir[File.join(plugin, "tests/snapshots/*.txt")]

  snapshots.each do |path|
    template, set = File.basename(path, ".txt").split("-")
    it "makes what tasker-ctl makes: #{template} with #{set} parameters" do
      own = tests.dig("templates", template, "sets", set) || {}
      known = Tomlrb.load_file(File.join(plugin, "templates", template, "template.toml"))["parameters"].map { |row| row["name"] }
      values = tests.fetch("sets").fetch(set).merge(own).slice(*known).transform_values { |value| value.gsub("{template}", template) }
      files = renderer.send(:render, template, values)
      expected = File.read(path).split(/^=== (.+)\n/).drop(1).each_slice(2).to_h
      expect(files.keys).to match_array(expected.keys)
      files.each { |file, text| expect(text.chomp).to eq(expected[file].chomp), file }
    end
  end

  it "has snapshots of every template" do
    expect(snapshots.map { |path| File.basename(path)[/\A[a-z_]+/] }.uniq).to match_array(Dir.children(File.join(plugin, "templates")))
  end

  it "names what it cannot render" do
    { "{{ name | wordcount }}" => "the filter wordcount", "{% block x %}" => "{% block x %}", "{{ nobody }}" => "the variable nobody", "{% endif %}" => "closes nothing" }
      .each { |text, message| expect { described_class.render(text, "name" => "x") }.to raise_error(described_class::Unknown, /#{Regexp.escape(message)}/) }
  end
end
