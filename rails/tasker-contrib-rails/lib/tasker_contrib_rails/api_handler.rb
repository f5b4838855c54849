# frozen_string_literal: true

require "faraday"
require "active_support/core_ext/class/attribute"
require_relative "client/retry_after"
require_relative "step_handler"

module TaskerContribRails
  # A failed answer of an API, as a permanent or a retryable error with the HTTP status.
  #
  # @api private
  module ApiStatus
    # @return [Integer] the HTTP status
    attr_reader :status_code

    def with_status(code)
      @status_code = code
      self
    end
  end

  # A step that calls an HTTP API with Faraday. A lost connection, a timeout and the answers 408, 425, 429 and 5xx are retried,
  # after Retry-After if the server sent it; any other answer that is not a success fails for good.
  #
  # Options of the class can be set per step in the template's +handler.initialization+: +url+, +timeout+, +open_timeout+,
  # +headers+, +params+, +auth+ (+type+ bearer, basic or api_key, with +token+, +username+ and +password+, or +api_key+ and
  # +api_key_header+) and +ssl+.
  #
  # @example
  #   class Shop::FetchRateHandler < Tasker::ApiHandler
  #     self.url = "https://rates.example.com"
  #     self.timeout = 5
  #
  #     def call(context) = get("/rates/#{context.get_input(:currency)}").body.slice("rate")
  #   end
  class ApiHandler < StepHandler
    # Answers that another attempt may change, besides 5xx.
    RETRIED = [ 408, 425, 429 ].freeze

    class_attribute :url, :headers, :params, :auth, :ssl, instance_accessor: false
    # Seconds for an answer, and for a connection.
    class_attribute :timeout, default: 30, instance_accessor: false
    class_attribute :open_timeout, default: 10, instance_accessor: false

    # @return [Faraday::Connection] change it in a subclass with +super.tap { |http| … }+
    def connection
      @connection ||= Faraday.new(url: option(:url).presence || raise(PermanentError, "url is missing: set it in the class or in handler.initialization"), params: option(:params), headers: option(:headers), ssl: option(:ssl)&.symbolize_keys) do |http|
        http.options.timeout = option(:timeout)
        http.options.open_timeout = option(:open_timeout)
        http.request :json
        http.response :json
        authorize(http, option(:auth)&.with_indifferent_access)
      end
    end

    # @return [Faraday::Response] a success; JSON bodies are parsed
    # @raise [PermanentError, RetryableError]
    def get(path, params = nil, headers = nil) = request { connection.get(path, params, headers) }

    # @return [Faraday::Response] a success
    # @raise [PermanentError, RetryableError]
    def delete(path, params = nil, headers = nil) = request { connection.delete(path, params, headers) }

    # @param body [Hash, String] hashes are sent as JSON
    # @return [Faraday::Response] a success
    # @raise [PermanentError, RetryableError]
    def post(path, body = nil, headers = nil) = request { connection.post(path, body, headers) }

    # (see #post)
    def put(path, body = nil, headers = nil) = request { connection.put(path, body, headers) }

    # (see #post)
    def patch(path, body = nil, headers = nil) = request { connection.patch(path, body, headers) }

    private

    def option(name) = config.key?(name) ? config[name] : self.class.public_send(name)

    def request
      response = yield
      response.success? ? response : raise(error_for(response))
    rescue Faraday::TimeoutError, Faraday::ConnectionFailed => error
      raise RetryableError, "#{where}: #{error.message}"
    rescue Faraday::ParsingError => error
      raise PermanentError, "#{where} answered with something that is not JSON: #{error.message.lines.first&.strip}"
    rescue Faraday::SSLError => error
      raise PermanentError, "#{where}: #{error.message}"
    end

    def error_for(response)
      text = "#{response.env.method.upcase} #{response.env.url.dup.tap { |uri| uri.query = nil }} answered #{response.status}"
      options = { error_code: "HTTP_#{response.status}" }
      error = if RETRIED.include?(response.status) || response.status >= 500
        RetryableError.new(text, retry_after: RetryAfter.parse(response.headers["retry-after"]), **options)
      else
        PermanentError.new(text, **options)
      end
      error.extend(ApiStatus).with_status(response.status)
    end

    def where = connection.url_prefix.to_s

    def authorize(http, auth)
      return unless auth

      need = ->(name) { auth[name].presence || raise(PermanentError, "auth of type #{auth[:type]} needs a #{name}") }
      case auth[:type]
      when "bearer" then http.request :authorization, "Bearer", need["token"]
      when "basic" then http.request :authorization, :basic, need["username"], need["password"]
      when "api_key" then http.headers[auth[:api_key_header] || "X-API-Key"] = need["api_key"]
      else raise PermanentError, "auth.type must be bearer, basic or api_key, not #{auth[:type].inspect}"
      end
    end
  end
end
