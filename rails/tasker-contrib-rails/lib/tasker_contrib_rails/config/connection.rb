# frozen_string_literal: true

require "securerandom"
require "socket"

module TaskerContribRails
  module Config
    # The database URL that Core gets: it says which process is connected, and lets PostgreSQL notice when that one has gone.
    #
    # +tasker-recovery+ takes a worker without a session for dead, by this name, and gives its steps to another. Names and options
    # are the same in all packages: +xtask/contract/connection-cases+.
    #
    # @api private
    module Connection
      # PostgreSQL cuts names after 63 bytes; the rest of a name takes less than 33 of them.
      LONGEST_HOST = 30
      OPTIONS = "-c%20client_connection_check_interval%3D250%20-c%20tcp_keepalives_idle%3D10" \
                "%20-c%20tcp_keepalives_interval%3D5%20-c%20tcp_keepalives_count%3D3"

      module_function

      # @return [String] the name of this process, which no other process has or had
      def name
        @name = nil unless @pid == Process.pid
        @pid = Process.pid
        @name ||= new_name
      end

      def new_name(host = Socket.gethostname)
        safe = host.gsub(/[^A-Za-z0-9._-]/, "")[0, LONGEST_HOST]
        safe = "host" if safe.empty?
        "tkw:ruby:#{safe}:#{Process.pid}:#{SecureRandom.hex(4)}"
      end

      # @return [String] the URL with name and options, unless it has its own
      def url(given, name)
        { "application_name" => name, "options" => OPTIONS }.reduce(given) do |rendered, (key, value)|
          next rendered if given.match?(/[?&]#{key}=/)

          "#{rendered}#{rendered.include?("?") ? "&" : "?"}#{key}=#{value}"
        end
      end
    end
  end
end
