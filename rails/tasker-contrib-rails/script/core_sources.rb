# frozen_string_literal: true

require "prism"

# What the Ruby sources of Tasker Core define, read without running them: modules, classes, methods and their parameters, and the
# native functions that the extension registers.
class CoreSources
  # A method, with the place and the text of its definition. +parameters+ is as Method#parameters has it, without names of
  # positional ones; nil if they cannot be known.
  Definition = Data.define(:name, :parameters, :visibility, :place, :text)

  # A module or class. +singleton+ and +instance+ are methods by name.
  Constant = Struct.new(:name, :kind, :superclass, :place, :included, :instance, :singleton, :text) do
    def initialize(name, kind, superclass, place)
      super(name, kind, superclass, place, [], {}, {}, +"")
    end
  end

  # @return [Hash{String => Constant}] by full name
  attr_reader :constants
  # @return [Hash{String => String}] the source of other constants' values, by full name
  attr_reader :values

  # @param folder [String] of the gem: with lib/, and ext/ for the native functions
  def initialize(folder)
    @constants = {}
    @values = {}
    Dir[File.join(folder, "lib/**/*.rb")].sort.each { |path| read(path, path.delete_prefix("#{folder}/")) }
    Dir[File.join(folder, "ext/**/*.rs")].sort.each { |path| read_native(File.read(path), path.delete_prefix("#{folder}/")) }
  end

  # @param name [String] of a class or module
  # @param kind [:instance, :singleton]
  # @return [Definition, nil] the method, its superclasses and modules looked through
  def find(name, method, kind)
    constant = @constants[name] or return
    found = constant.public_send(kind)[method]
    return found if found

    parents = [ constant.superclass, *(constant.included if kind == :instance) ].compact
    parents.filter_map { |parent| resolve(parent, name) }.filter_map { |parent| find(parent, method, kind) }.first
  end

  # @return [String, nil] the full name of a constant as it is written inside another one
  def resolve(written, inside)
    parts = inside.split("::")
    parts.size.downto(0).map { |count| [ *parts.first(count), written ].join("::") }.find { |name| @constants.key?(name) && name != inside }
  end

  private

  def read(path, shown)
    result = Prism.parse_file(path)
    raise "#{path}: is not valid Ruby" if result.errors.any?

    Reader.new(self, shown).read(result.value)
  end

  NATIVE = /define_(?:singleton_method|module_function)\(\s*"(\w+)",\s*(?:magnus::)?function!\(\s*[\w:]+,\s*(\d+)\s*\)/

  def read_native(text, shown)
    text.scan(NATIVE) do |name, arity|
      place = "#{shown}:#{text[0, Regexp.last_match.begin(0)].count("\n") + 1}"
      ffi = @constants["TaskerCore::FFI"] ||= Constant.new("TaskerCore::FFI", :module, nil, place)
      ffi.singleton[name.to_sym] = Definition.new(name: name.to_sym, parameters: [ [ :req ] ] * arity.to_i, visibility: :public, place:, text: "")
    end
  end
end

require_relative "core_reader"
