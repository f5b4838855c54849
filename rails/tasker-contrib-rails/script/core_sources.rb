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

  # Walks one file.
  class Reader
    def initialize(sources, file)
      @sources = sources
      @file = file
      @scope = []
      @target = :instance
      @visibility = :public
    end

    def read(node)
      case node
      when Prism::ModuleNode, Prism::ClassNode then constant(node)
      when Prism::SingletonClassNode then within(target: :singleton) { inside(node) }
      when Prism::ConstantWriteNode then @sources.values[[ *@scope, node.name ].join("::")] = node.value.slice
      when Prism::DefNode then definition(node)
      when Prism::AliasMethodNode then also(node.new_name.unescaped, node.old_name.unescaped)
      when Prism::CallNode then node.receiver.nil? ? call(node) : inside(node)
      else inside(node)
      end
    end

    private

    def inside(node) = node.compact_child_nodes.each { |child| read(child) }
    def place(node) = "#{@file}:#{node.location.start_line}"
    def current = @sources.constants[@scope.join("::")]

    def within(scope: @scope, target: @target)
      before = [ @scope, @target, @visibility, @module_function ]
      @scope, @target, @visibility, @module_function = scope, target, :public, false
      yield
    ensure
      @scope, @target, @visibility, @module_function = before
    end

    def constant(node)
      scope = @scope + node.constant_path.slice.split("::")
      name = scope.join("::")
      superclass = node.superclass&.slice if node.is_a?(Prism::ClassNode)
      found = @sources.constants[name] ||= Constant.new(name, node.is_a?(Prism::ClassNode) ? :class : :module, superclass, place(node))
      found.text << node.slice
      within(scope:, target: :instance) { inside(node) }
    end

    def definition(node)
      return unless current

      kind = node.receiver ? :singleton : @target
      add(kind, node.name, parameters(node.parameters), node)
      add(:singleton, node.name, parameters(node.parameters), node) if @module_function
    end

    def add(kind, name, parameters, node, visibility = @visibility)
      current.public_send(kind)[name] = Definition.new(name:, parameters:, visibility:, place: place(node), text: node.slice)
    end

    def also(name, old)
      found = current&.public_send(@target)&.fetch(old.to_sym, nil)
      current.public_send(@target)[name.to_sym] = found.with(name: name.to_sym) if found
    end

    # Calls in the body of a class that define something.
    def call(node)
      names = (node.arguments&.arguments || []).grep(Prism::SymbolNode).map(&:unescaped)
      case node.name
      when :attr_reader, :attr_accessor, :attribute, :attribute?
        names = names.first(1) if node.name.start_with?("attribute")
        names.each { |name| add(@target, name.to_sym, [], node) } if current
      when :include then current&.included&.concat((node.arguments&.arguments || []).map(&:slice))
      when :module_function then @module_function = true if node.arguments.nil?
      when :public, :private, :protected then visibility(node, names)
      when :private_class_method then hide(:singleton, names)
      end
      inside(node) unless %i[attribute attribute?].include?(node.name)
    end

    def visibility(node, names)
      return @visibility = node.name if node.arguments.nil?

      hide(@target, names) unless node.name == :public
    end

    def hide(kind, names)
      methods = current&.public_send(kind) or return
      names.map(&:to_sym).each { |name| methods[name] = methods[name].with(visibility: :private) if methods.key?(name) }
    end

    def parameters(node)
      return [] unless node

      list = node.requireds.map { [ :req ] } + node.optionals.map { [ :opt ] }
      list << [ :rest ] if node.rest
      list += node.posts.map { [ :req ] }
      list += node.keywords.map { |keyword| [ keyword.is_a?(Prism::RequiredKeywordParameterNode) ? :keyreq : :key, keyword.name ] }
      list << [ :keyrest ] if node.keyword_rest
      list
    end
  end
end
