# frozen_string_literal: true

module TaskerContribRails
  module Config
    # What may be printed.
    #
    # @api private
    module Secrets
      NAMES = /(token|password|secret|api_key|private_key|public_key)\w*\z/
      # These only sound like secrets.
      PLAIN = /(_header|_enabled|_hours|_method|_path)\z/
      URLS = /(database|rabbitmq|redis)\.url\z/

      module_function

      # @return [String] the value without passwords, tokens and keys
      def shown(path, value)
        return "(not set)" if value.nil?
        return "***" if secret?(path) && value != ""

        case value
        when Array then "[#{value.map { |item| shown(path, item) }.join(", ")}]"
        when String
          next_to_url(path, value)
        else value.to_s
        end
      end

      def secret?(path)
        last = path.split(".").last
        last.match?(NAMES) && !last.match?(PLAIN)
      end

      # @return [String] the URL with *** for its password, and without its query
      def mask_url(url)
        scheme, separator, rest = url.partition("://")
        return "***" if separator.empty?

        # Passwords may hold any character, so cut at the last @ of the whole.
        before, at, after = rest.rpartition("@")
        after = after.partition("?").first
        at.empty? ? "#{scheme}://#{after}" : "#{scheme}://#{before.partition(":").first}:***@#{after}"
      end

      def next_to_url(path, value)
        return mask_url(value) if value.include?("://")

        # Not a URL, but it may still be a password.
        value.empty? || !path.match?(URLS) ? value : "***"
      end
      private_class_method :next_to_url
    end
  end
end
