# frozen_string_literal: true

require "socket"
require_relative "../config/file"
require_relative "../errors"

module TaskerContribRails
  module Worker
    # Whether anything listens at the database URL. Core waits ten seconds for a server that is not there, does not say why, and
    # cannot try again in the same process.
    #
    # @api private
    module Database
      KEY = "common.database.url"
      # A password may have characters that a parser of URLs refuses.
      ADDRESS = %r{\Apostgresql://(?:[^@]*@)?([^:/]+)(?::(\d+))?/}

      module_function

      # @param settings [Config::Settings]
      # @raise [WorkerError] it cannot be reached; Core was not started
      def check!(settings)
        problem = problem(Config::File.values(settings).fetch(KEY), settings["database.connect_timeout"])
        return unless problem

        source = settings.set?("core.#{KEY}") ? settings.source("core.#{KEY}") : settings.source("database.url")
        raise WorkerError, "no database: #{problem} (database.url: #{source}); start PostgreSQL there, or correct the URL; " \
                           "on your own machine `tasker-dev up` starts one and prints its DATABASE_URL"
      end

      # @return [String, nil] why no connection can be made; never the user or the password
      def problem(url, seconds)
        host, port = ADDRESS.match(url).captures
        port ||= 5432
        Socket.tcp(host, port, connect_timeout: seconds, &:close)
        nil
      rescue Errno::ECONNREFUSED
        "connection refused at #{host}:#{port}"
      rescue Errno::ETIMEDOUT
        "no answer within #{seconds} s from #{host}:#{port}"
      rescue SocketError
        "the host #{host} cannot be found"
      rescue SystemCallError => error
        "no connection to #{host}:#{port}: #{error.message}"
      end
      private_class_method :problem
    end
  end
end
