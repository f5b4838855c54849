# frozen_string_literal: true

module TaskerContribRails
  # Texts as Core takes them: UTF-8. Bodies of HTTP answers, for example, come as bytes without an encoding.
  #
  # @api private
  module Utf8
    module_function

    # @return [String] for messages: what is not valid is replaced
    def text(value) = convert(value.to_s).scrub

    # @return [Object] JSON values with the same texts in UTF-8; bytes that are not valid stay
    def tree(value)
      case value
      when Hash then value.to_h { |key, inner| [ tree(key), tree(inner) ] }
      when Array then value.map { |inner| tree(inner) }
      when String then convert(value)
      else value
      end
    end

    def convert(text)
      return text if text.encoding == Encoding::UTF_8
      return text.dup.force_encoding(Encoding::UTF_8) if text.encoding == Encoding::BINARY

      text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace)
    end
    private_class_method :convert
  end
end
