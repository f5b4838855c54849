# frozen_string_literal: true

module Tasker
  module Generators
    # The part of Tera, the template language of tasker-ctl, that the templates of this gem use: no other program is needed to render them.
    # A test compares the results with tasker-ctl's.
    module Tera
      # A template that is written in another way.
      class Unknown < StandardError; end

      FILTERS = {
        "snake_case" => ->(text) { words(text).map { |word| lower(word) }.join("_") },
        "pascal_case" => ->(text) { words(text).map { |word| word[0].upcase + lower(word[1..]) }.join },
        "upper" => :upcase.to_proc, "first" => :first.to_proc, "last" => :last.to_proc, "length" => :length.to_proc,
        "split" => ->(text, pat) { text.split(pat, -1) },
        "trim_end_matches" => lambda do |text, pat|
          text = text.delete_suffix(pat) while text.end_with?(pat)
          text
        end
      }.freeze
      OPERATORS = { "==" => :==, "!=" => :!=, ">" => :> }.freeze

      module_function

      # @param text [String] a template
      # @param values [Hash{String => String}] its parameters
      # @return [String]
      # @raise [Unknown]
      def render(text, values)
        tokens = tokens(text)
        block(tokens, values.dup).tap { raise Unknown, "{% #{tokens.first} %} closes nothing" if tokens.any? }
      end

      # Texts, [:show, expression] and [:tag, words]; a dash takes the blanks beside it away.
      def tokens(text)
        parts = text.split(/(\{\{.*?\}\}|\{%.*?%\})/m)
        parts.each_with_index.filter_map do |part, index|
          next [ part.start_with?("{{") ? :show : :tag, part[2..-3].delete_prefix("-").delete_suffix("-").strip ] if part.match?(/\A\{[{%]/)

          part = part.rstrip if parts[index + 1]&.match?(/\A\{[{%]-/)
          part = part.lstrip if index.positive? && parts[index - 1].match?(/-[%}]\}\z/)
          part unless part.empty?
        end
      end
      private_class_method :tokens

      # Up to a tag that closes or divides the block, which stays.
      def block(tokens, values, shown: true)
        out = +""
        until tokens.empty? || (tokens.first in [ :tag, /\A(else|endif|endfor)\z/ ])
          case tokens.shift
          in String => text then out << text if shown
          in [ :show, expression ] then out << value(expression, values).to_s if shown
          in [ :tag, /\Aset (\w+) = (.+)\z/ ] then values[$~[1]] = value($~[2], values) if shown
          in [ :tag, /\Aif (.+)\z/ ] then out << choice($~[1], tokens, values, shown)
          in [ :tag, /\Afor (\w+) in (.+)\z/ ] then out << loop_over($~[1], $~[2], tokens, values, shown)
          in [ _, words ] then raise Unknown, "{% #{words} %}"
          end
        end
        out
      end
      private_class_method :block

      def choice(condition, tokens, values, shown)
        yes = shown && true?(condition, values)
        out = block(tokens, values, shown: yes)
        ending = tokens.shift
        return out unless ending == [ :tag, "else" ]

        out << block(tokens, values, shown: shown && !yes)
        tokens.shift
        out
      end
      private_class_method :choice

      def loop_over(name, list, tokens, values, shown)
        items = shown ? value(list, values) : []
        body = tokens.dup
        block(tokens, values.dup, shown: false)
        tokens.shift
        items.each_with_index.map { |item, index| block(body.dup, values.merge(name => item, "loop.first" => index.zero?)) }.join
      end
      private_class_method :loop_over

      def true?(condition, values)
        left, operator, right = condition.split(/ (==|!=|>) /)
        return value(left, values).public_send(OPERATORS.fetch(operator), value(right, values)) if operator

        # What is not given is false.
        condition.match?(/\A\w+\z/) && !values.key?(condition) ? false : value(condition, values)
      end
      private_class_method :true?

      def value(expression, values)
        first, *filters = expression.split(" | ").map(&:strip)
        filters.inject(atom(first, values)) do |result, filter|
          name, argument = filter.match(/\A(\w+)(?:\(pat="(.*)"\))?\z/)&.captures
          FILTERS.fetch(name) { raise Unknown, "the filter #{filter}" }.call(*[ result, argument ].compact)
        end
      end
      private_class_method :value

      def atom(text, values)
        case text
        when /\A"(.*)"\z/ then $~[1]
        when /\A\d+\z/ then text.to_i
        else values.fetch(text) { raise Unknown, "the variable #{text}" }
        end
      end
      private_class_method :atom

      # A word ends before a capital letter behind a small one, and before the last of several capital letters if a small one follows. Digits begin none.
      def words(text)
        text.scan(/[[:alnum:]]+/).flat_map do |chunk|
          chunk.gsub(/(\p{Lower}\p{N}*)(?=\p{Upper})|(\p{Upper}\p{N}*)(?=\p{Upper}\p{Lower})/) { "#{$~[0]} " }.split
        end
      end

      def lower(word) = word.downcase
    end
  end
end
