# frozen_string_literal: true

require_relative "secrets"

module TaskerContribRails
  module Config
    # Says what is wrong with a database URL and how it should read. Never shows the password.
    #
    # @api private
    module DatabaseUrl
      FORM = "postgresql://user:password@host:port/database"
      # The pattern allows these in a password, but they end the host part of a URL.
      CODES = { "/" => "%2F", "?" => "%3F", "#" => "%23" }.freeze

      module_function

      # @return [String, nil] for a URL that matches Core's pattern and still does not work
      def character_problem(url)
        password = url.split("://", 2).last.rpartition("@").first
        character, code = CODES.find { |char, _| password.include?(char) }
        "has a #{character} in the password; write it as #{code}" if character
      end

      # @return [String] for a URL that Core would abort on
      def problem(url)
        return "is empty; it must have the form #{FORM}" if url.strip.empty?

        scheme, separator, rest = url.partition("://")
        return "must have the form #{FORM}" if separator.empty?
        return scheme_problem(scheme, rest) unless scheme == "postgresql"

        authority, _, path = rest.partition("/")
        user_info, at, host = authority.rpartition("@")
        user_problem(user_info, at) || host_problem(host, path) || "must have the form #{FORM}"
      end

      def scheme_problem(scheme, rest)
        return "must be a PostgreSQL URL of the form #{FORM}, not #{scheme}://" unless scheme.match?(/\Apostgres(ql)?(\+\w+)?\z/)

        "must start with postgresql://, not #{scheme}://; write #{Secrets.mask_url("postgresql://#{rest}")}"
      end
      private_class_method :scheme_problem

      def user_problem(user_info, at)
        return if at.empty?
        return "has an @ in the user or the password; write it as %40" if user_info.include?("@")

        user, colon, password = user_info.partition(":")
        return "has a user without a password; the form is #{FORM}" if colon.empty? || password.empty?

        "may have only letters, digits, _ and - in the user name" unless user.match?(/\A[a-zA-Z0-9_-]+\z/)
      end
      private_class_method :user_problem

      def host_problem(host, path)
        return "has an IPv6 address, which Core refuses; use a host name" if host.start_with?("[")
        return "has no host; Core does not support sockets, use 127.0.0.1" if host.empty? || path.include?("host=")

        database = path.partition("?").first
        return "has no database name after the host" if database.empty?

        "may have only letters, digits, _ and - in the database name" unless database.match?(/\A[a-zA-Z0-9_-]+\z/)
      end
      private_class_method :host_problem
    end
  end
end
