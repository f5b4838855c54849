# frozen_string_literal: true

gem_folder = File.expand_path("..", __dir__)
$LOAD_PATH.unshift(File.join(gem_folder, "lib"), File.join(gem_folder, "spec/support/core_double"))
require "tasker_contrib_rails"
require "tasker_contrib_rails/testing"
require "tasker_core"
require_relative "core_assumptions"
require_relative "core_parameters"
require_relative "core_sources"

# The double, as Ruby has it after loading, beside Core's sources.
class CoreComparison
  DOUBLE = File.expand_path("../spec/support/core_double", __dir__)
  include CoreAssumptions
  include CoreParameters

  # @param core [CoreSources]
  def initialize(core)
    @core = core
    @problems = []
  end

  # @return [Array<String>] differences, each with its places
  def problems
    compare_module(TaskerCore)
    compare_test_context
    HOOKS.each { |hook, (name, kind)| compare_hook(hook, name, kind) }
    WORDS.each { |name, methods| methods.each { |method, words| compare_words(name, method, words) } }
    compare_version
    @problems
  end

  private

  def compare_module(type)
    return if OURS.include?(type.name)

    compare_constant(type) && compare_methods(type)
    type.constants(false).sort.each do |name|
      value = type.const_get(name, false)
      # Aliases and what Ruby itself brought are somebody else's.
      compare_module(value) if value.is_a?(Module) && value.name == "#{type.name}::#{name}"
    end
  end

  # What handlers get in tests has what they get from Core.
  def compare_test_context
    ours, name = TaskerContribRails::Testing::StepContext, "TaskerCore::Types::StepContext"
    ours.public_instance_methods(false).each { |method| compare_method(name, :instance, method, ours.instance_method(method)) }
    missing = (@core.constants[name]&.instance || {}).values.select { |found| found.visibility == :public && found.name != :initialize && !ours.method_defined?(found.name) }
    missing.each { |found| @problems << "#{place_of(ours)}: #{ours} lacks #{found.name}, which Core has (#{found.place})" }
  end

  def compare_constant(type)
    found = @core.constants[type.name]
    return written(type) unless found
    return differ(type, "is a #{type.class.name.downcase}, in Core a #{found.kind}", found) if found.kind != type.class.name.downcase.to_sym

    compare_superclass(type, found) if type.is_a?(Class)
    differ(type, "is a Singleton, in Core it is none", found) if type.include?(Singleton) && !found.included.include?("Singleton") && type.is_a?(Class)
    true
  end

  # Core may make a class by a call instead.
  def written(type)
    @problems << "#{place_of(type)}: Core has no #{type.name}"
    false
  end

  def compare_superclass(type, found)
    return unless type.superclass.name&.start_with?("TaskerCore::") || type <= Exception

    wanted = found.superclass && (@core.resolve(found.superclass, found.name) || found.superclass)
    differ(type, "descends from #{type.superclass}, in Core from #{wanted || "Object"}", found) if type.superclass.name != (wanted || "Object")
  end

  def compare_methods(type)
    { instance: type, singleton: type.singleton_class }.each do |kind, owner|
      owner.public_instance_methods(false).sort.each do |name|
        method = owner.instance_method(name)
        compare_method(type.name, kind, name, method) if method.source_location&.first&.start_with?(DOUBLE)
      end
    end
    # Readers of Data classes have no place.
    type.members.each { |name| compare_method(type.name, :instance, name, nil, place_of(type)) } if type.respond_to?(:members)
    return unless type.is_a?(Class) && (create = type.instance_method(:initialize)).source_location&.first&.start_with?(DOUBLE) && create.owner == type

    compare_method(type.name, :instance, :initialize, create) unless type < Data
  end

  # @param ours [String] where the double has it
  def compare_method(type, kind, name, method, ours = place(method.source_location))
    return if foreign?(type, name)

    label = "#{type}#{kind == :instance ? "#" : "."}#{name}"
    found = @core.find(type, name, kind)
    return @problems << "#{ours}: Core has no #{label}" unless found
    return @problems << "#{ours}: #{label} is #{found.visibility} in Core (#{found.place})" unless found.visibility == :public || name == :initialize

    compare_parameters(label, ours, method ? normal(method.parameters) : [], found)
  end

  def foreign?(type, name)
    library = FOREIGN[type]
    library && library[:methods].include?(name) && @core.constants[type]&.included&.any? { |written| written.start_with?(library[:module]) }
  end

  def compare_hook(hook, name, kind)
    (hook.instance_methods(false) + hook.private_instance_methods(false)).each do |method|
      defined = hook.instance_method(method)
      found = @core.find(name, method, kind)
      ours = place(defined.source_location)
      next @problems << "#{ours}: Core has no #{name}#{kind == :instance ? "#" : "."}#{method} to take over" unless found

      compare_parameters("#{name} #{method}, which is taken over,", ours, normal(defined.parameters), found)
    end
  end

  def compare_parameters(label, ours, parameters, found)
    return if parameters == normal(found.parameters)

    @problems << "#{ours}: #{label} takes (#{shown(parameters)}), in Core (#{shown(normal(found.parameters))}) (#{found.place})"
  end

  def compare_words(name, method, words)
    text = method ? @core.find(name, method, :instance)&.text : @core.constants[name]&.text
    label = [ name, method ].compact.join("#")
    return @problems << "Core has no #{label}, on which this gem relies" unless text

    words.reject { |word| text.include?(word) }.each { |word| @problems << "#{label} of Core does not have `#{word}` any more, on which this gem relies" }
  end

  def compare_version
    written = @core.values["TaskerCore::VERSION"].to_s.delete("'\"")
    @problems << "the double's VERSION is #{TaskerCore::VERSION}, Core's is #{written}" unless written == TaskerCore::VERSION
  end

  def differ(type, text, found)
    @problems << "#{place_of(type)}: #{type.name} #{text} (#{found.place})"
    false
  end

  def place_of(type)
    place(Object.const_source_location(type.name))
  end

  def place((file, line)) = "#{file.to_s.delete_prefix("#{File.expand_path("..", __dir__)}/")}:#{line}"
end
