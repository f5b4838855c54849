# frozen_string_literal: true

require "yaml"
require "date"

module TaskerContribRails
  module Templates
    # The file is no single YAML document that Core would read; the message says why.
    #
    # @api private
    class Unreadable < StandardError; end

    # Reads a template's file as Core does, whose YAML reader is stricter than Psych.
    #
    # @api private
    class Reading
      # Levels that Core's reader follows.
      DEEPEST = 128
      TOO_DEEP = "is nested too deep, or contains itself; Core reads #{DEEPEST} levels".freeze

      # @param path [String]
      # @return [Object] the content of a file with one YAML document
      # @raise [Unreadable] it cannot be read, or Core would read something else
      def self.content(path)
        text = File.read(path, encoding: Encoding::UTF_8)
        raise Unreadable, "is not UTF-8" unless text.valid_encoding?

        new(text).content
      rescue Psych::Exception, ArgumentError => error
        raise Unreadable, "is not valid YAML: #{error.message.lines.map(&:strip).join(" ")}"
      rescue SystemCallError => error
        raise Unreadable, "cannot be read: #{error.message}"
      rescue SystemStackError
        raise Unreadable, TOO_DEEP
      end

      def initialize(text)
        @text = text
        @anchors = {}
        @done = {}.compare_by_identity
      end

      def content
        documents = YAML.parse_stream(@text).children
        raise Unreadable, "is empty; a template is one YAML document" if documents.empty?
        raise Unreadable, "has #{documents.size} YAML documents; a template is one" unless documents.one?

        walk(documents.first.root, 0)
        YAML.safe_load(@text, permitted_classes: [ Date, Time ], aliases: true)
      end

      private

      def walk(node, depth)
        return walk_alias(node, depth) if node.is_a?(Psych::Nodes::Alias)
        raise Unreadable, TOO_DEEP if depth > DEEPEST

        @anchors[node.anchor] = node if node.respond_to?(:anchor) && node.anchor
        return if @done[node] || !node.children

        check_keys(node) if node.is_a?(Psych::Nodes::Mapping)
        node.children.each { |child| walk(child, depth + 1) }
        @done[node] = true
      end

      def walk_alias(node, depth)
        walk(@anchors.fetch(node.anchor) { raise Unreadable, "is not valid YAML: no anchor '#{node.anchor}'" }, depth)
      end

      def check_keys(mapping)
        keys = mapping.children.each_slice(2).map(&:first).grep(Psych::Nodes::Scalar)
        keys.each do |key|
          line = "line #{key.start_line + 1}"
          merge = key.value == "<<" && !key.quoted
          raise Unreadable, "#{line}: '<<' merges nothing in Core, which takes it for a key; write the keys out" if merge

          twice = keys.find { |other| other.value == key.value && !other.equal?(key) }
          raise Unreadable, "line #{twice.start_line + 1}: key '#{key.value}' twice; Core refuses the file, or keeps one of them" if twice
        end
      end
    end
  end
end
