# frozen_string_literal: true

require "connection_pool"
require "json"
require "net/http"
require "uri"
require_relative "errors"
require_relative "retry_after"

module TaskerContribRails
  class Client
    # HTTP to the server: connections are kept and shared, the number of calls in flight is bounded, and a call is repeated
    # when the server is away or overloaded.
    #
    # @api private
    class Connection
      # What Net::HTTP raises when there was no answer. The first group says that nothing was sent.
      NOT_SENT = [ Errno::ECONNREFUSED, Errno::EHOSTUNREACH, Errno::ENETUNREACH, Net::OpenTimeout, SocketError ].freeze
      LOST = [ Errno::ECONNRESET, Errno::EPIPE, EOFError, IOError, Net::ReadTimeout, Net::WriteTimeout, Net::HTTPBadResponse,
               OpenSSL::SSL::SSLError, Errno::ETIMEDOUT ].freeze
      REPEATED = [ 502, 503, 504 ].freeze
      LONGEST_WAIT = 5.0
      # A kept connection that was idle for longer is opened again, in seconds.
      KEEP_ALIVE = 30

      # @return [String] without a slash at the end
      attr_reader :base_url

      def initialize(base_url, headers: {}, timeout: 30.0, max_retries: 3, max_concurrency: 16, pause: ->(seconds) { sleep(seconds) })
        @base_url = base_url.chomp("/")
        @uri = URI(@base_url)
        @headers = { "Accept" => "application/json", "User-Agent" => "tasker-contrib-rails/#{VERSION}" }.merge(headers)
        @timeout = timeout
        @max_retries = max_retries
        @pause = pause
        @pool = ConnectionPool.new(size: max_concurrency, timeout: timeout) { open_later }
      end

      # @return [Object] the parsed answer
      # @yield when an answer was lost, so that the call may have had its effect
      # @raise [ClientError]
      def call(method, path, params: nil, body: nil, &lost)
        attempt = 0
        loop do
          answer, error = try(method, path, params, body, &lost)
          return answer unless error
          raise error unless repeat?(error, attempt)

          wait = error.is_a?(BackpressureError) && error.retry_after
          @pause.call(wait || [ 0.2 * (2**attempt), LONGEST_WAIT ].min * rand(0.75..1.25))
          attempt += 1
        end
      end

      # @return [Boolean] whether the server answers; never raises
      def healthy?
        uri = URI("#{@base_url}/health")
        options = { use_ssl: uri.scheme == "https", open_timeout: 2, read_timeout: 2 }
        Net::HTTP.start(uri.hostname, uri.port, nil, **options) { |http| http.get(uri.path).is_a?(Net::HTTPSuccess) }
      rescue *NOT_SENT, *LOST
        false
      end

      # @param seconds [Numeric] for one request
      # @return [Connection] the same connections
      def with_timeout(seconds) = dup.tap { |other| other.instance_variable_set(:@timeout, seconds) }

      # Closes the connections.
      def close
        @pool.shutdown { |http| http.finish if http.started? }
      end

      private

      def try(method, path, params, body)
        response = @pool.with { |http| send_request(http, method, path, params, body) }
        return [ response.body.to_s.empty? ? nil : JSON.parse(response.body), nil ] if response.is_a?(Net::HTTPSuccess)

        [ nil, Client.error_for(response) ]
      rescue *NOT_SENT => error
        [ nil, unavailable(error) ]
      rescue *LOST => error
        yield if block_given?
        [ nil, unavailable(error) ]
      rescue ConnectionPool::TimeoutError
        [ nil, UnavailableError.new("no connection to #{@base_url} was free for #{@timeout} s; raise orchestration.max_concurrency") ]
      rescue JSON::ParserError
        [ nil, ServerError.new("#{@base_url} answered #{method} #{path} with something that is not JSON; is it a Tasker server?") ]
      end

      def send_request(http, method, path, params, body)
        http.open_timeout = http.read_timeout = http.write_timeout = @timeout
        http.start unless http.started?
        path = "#{@uri.path}#{path}"
        path = "#{path}?#{URI.encode_www_form(params)}" if params && !params.empty?
        request = Net::HTTP.const_get(method.to_s.capitalize).new(path, @headers)
        if body
          request["Content-Type"] = "application/json"
          request.body = JSON.generate(body)
        end
        http.request(request)
      rescue Exception # rubocop:disable Lint/RescueException -- a timeout from outside, too, leaves an answer that the next caller would read
        http.finish if http.started?
        raise
      end

      def repeat?(error, attempt)
        return false if attempt >= @max_retries
        return error.retry_after.nil? || error.retry_after <= LONGEST_WAIT if error.is_a?(BackpressureError)

        error.is_a?(UnavailableError)
      end

      def open_later
        http = Net::HTTP.new(@uri.hostname, @uri.port, nil)
        http.use_ssl = @uri.scheme == "https"
        http.keep_alive_timeout = KEEP_ALIVE
        http.max_retries = 0 # ours know about lost answers
        http
      end

      def unavailable(error)
        UnavailableError.new("the orchestration server at #{@base_url} cannot be reached: #{error.class} #{error.message}; " \
                             "is it running, and is orchestration.url (TASKER_ORCHESTRATION_URL) right?")
      end
    end
  end
end
