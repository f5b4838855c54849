# frozen_string_literal: true

require "tmpdir"
require "yaml"
require "tasker_contrib_rails/testing"

# The template cases that all languages share.
RSpec.describe "Template cases" do
  contract = Pathname(__dir__).join("../../../../xtask/contract").expand_path
  file = YAML.safe_load(contract.join("template-cases/cases.yaml").read)

  def write(path, content)
    path.dirname.mkpath
    case content.is_a?(Hash) ? content.transform_keys(&:to_sym) : content
    in String then path.write(content)
    in { hex: String => hex } then path.binwrite([ hex ].pack("H*"))
    in { link: String => target } then path.make_symlink(target)
    in { nested: Integer => levels } then path.write("name: #{"[" * levels}#{"]" * levels}")
    end
  end

  file["cases"].each do |row|
    it row["name"] do
      usual = [ { "name" => "a", "handler" => { "callable" => "x" } } ]
      files = row["files"] || { "a.yaml" => YAML.dump({ **file["base"], "steps" => row["steps"] || usual, **row.fetch("top", {}) }) }
      Dir.mktmpdir do |folder|
        files.each { |name, content| write(Pathname(folder).join(name), content) }
        report = TaskerContribRails::Templates.load(folder)
        next expect(report).to have_attributes(errors: [], templates: be_present) unless row["says"]

        fits = report.errors.find { |error| row["says"].all? { |word| error.downcase.include?(word.downcase) } }
        expect(fits).to be_present, "#{report.errors.join("\n")} has not #{row["says"]}"
        expect(report.errors).to all(satisfy { |error| files.keys.any? { |name| error.include?(File.join(folder, name)) } })
      end
    end
  end

  it "stops a run in memory whose step has no handler" do
    template = { **file["base"], "steps" => [ { "name" => "a" } ] }
    expect { TaskerContribRails::Testing::TemplateSource.load(template) }.to raise_error(TaskerContribRails::ConfigurationError, /'handler' is missing/)
  end

  it "has the schema of the contract" do
    own = Pathname(__dir__).join("../../lib/tasker_contrib_rails/templates/task-template.schema.json")
    expect(own.read).to eq(contract.join("task-template.schema.json").read)
  end
end
