# frozen_string_literal: true

require "open3"
require "rbs"
require "tasker_contrib_rails/testing"

# What an app may rely on is documented and has signatures.
RSpec.describe "The public API" do
  gem = File.expand_path("..", __dir__)

  it "is documented, every method and constant of it" do
    output, status = Open3.capture2e("yard", "stats", "--list-undoc", "--no-cache", "--no-save", chdir: gem)
    expect(status).to be_success
    expect(output).to include("100.00% documented"), output
    expect(output).not_to include("[warn]"), output
  end

  loader = RBS::EnvironmentLoader.new
  loader.add(path: Pathname(File.join(gem, "sig")))
  builder = RBS::DefinitionBuilder.new(env: RBS::Environment.from_loader(loader).resolve_type_names)
  classes = builder.env.class_decls.keys.select { |name| name.to_s.match?(/\A::Tasker/) }
  defined_here = ->(definition, type) { definition.methods.select { |_, method| method.defined_in == type && method.accessibility == :public } }

  # Whether each way to call it that a signature allows is one that Ruby allows.
  def fits?(signature, parameters)
    positional = parameters.count { |kind, _| kind == :req }
    most = parameters.any? { |kind, _| kind == :rest } ? Float::INFINITY : parameters.count { |kind, _| %i[req opt].include?(kind) }
    keywords = parameters.select { |kind, _| %i[key keyreq].include?(kind) }.map(&:last)
    function = signature.type
    least = function.required_positionals.size
    written = function.required_keywords.keys + function.optional_keywords.keys
    least >= positional && least + function.optional_positionals.size <= most && (parameters.any? { |kind, _| kind == :keyrest } || (written - keywords).empty?) &&
      (parameters.filter_map { |kind, name| name if kind == :keyreq } - function.required_keywords.keys).empty?
  end

  classes.each do |name|
    it "#{name} has the methods of its signature, with these parameters" do
      type = Object.const_get(name.to_s)
      { builder.build_instance(name) => ->(method) { type.instance_method(method) }, builder.build_singleton(name) => ->(method) { type.method(method) } }.each do |definition, find|
        defined_here.call(definition, name).each do |method, signature|
          found = method == :new ? type.instance_method(:initialize) : find.call(method)
          signature.method_types.each { |one| expect(fits?(one, found.parameters)).to be(true), "#{name} #{method}: #{one} does not fit #{found.parameters}" }
        end
      end
    end
  end

  it "has a signature for what the facade and the client can do" do
    facade = builder.build_singleton(RBS::TypeName.new(name: :Tasker, namespace: RBS::Namespace.root)).methods.keys
    expect(Tasker.singleton_methods(false) - facade).to be_empty
    client = builder.build_instance(RBS::TypeName.new(name: :Client, namespace: RBS::Namespace.parse("::TaskerContribRails"))).methods.keys
    expect(TaskerContribRails::Client.public_instance_methods - Object.public_instance_methods - client).to be_empty
  end
end
