# frozen_string_literal: true

require "prism"
require_relative "core_sources"

class CoreSources
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
