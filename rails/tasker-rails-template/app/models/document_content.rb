# frozen_string_literal: true

# What is read from the bytes of a document. Plain text, with a form feed between two pages.
module DocumentContent
  PAGE_BREAK = "\f"

  # The content is not text.
  class NotReadable < StandardError; end

  module_function

  # @return [Array<String>] the text of every page; there is always one at least
  # @raise [NotReadable] it is not UTF-8
  def split_pages(content)
    text = content.dup.force_encoding(Encoding::UTF_8)
    raise NotReadable, "byte #{first_wrong(text)} is not UTF-8" unless text.valid_encoding?

    text.delete_prefix("\uFEFF").split(PAGE_BREAK, -1).presence || [ "" ]
  end

  # @return [Hash] the number, the tidied text, and how many words it has
  def read_page(number, text)
    # PostgreSQL stores no NUL in a text.
    tidy = text.delete("\0").lines.map { |line| line.split.join(" ") }.join("\n").strip
    { number:, text: tidy, words: tidy.split.size }
  end

  def first_wrong(text) = text.each_char.take_while(&:valid_encoding?).sum(&:bytesize)
  private_class_method :first_wrong
end
