# frozen_string_literal: true

require_relative "../storable"
require_relative "errors"

module TaskerContribRails
  class Client
    # The context of a task as JSON.
    #
    # @api private
    module Context
      module_function

      # @param value [Hash, #to_h, nil]
      # @return [Hash{String => Object}] of what JSON can hold
      # @raise [InvalidRequestError] parameters that are not permitted, or something that is no JSON object
      def to_json_object(value)
        refuse_unpermitted(value)
        object = value.nil? ? {} : Storable.json(value, "context")
        return object if object.is_a?(Hash)

        raise InvalidRequestError, "the context must be a hash, not #{value.class}"
      rescue Storable::Refused => error
        raise InvalidRequestError, error.message
      end

      # Core's client takes every parameter of a request; parameters from outside must be permitted first.
      def refuse_unpermitted(value)
        case value
        when Hash then value.each_value { |inner| refuse_unpermitted(inner) }
        when Array then value.each { |inner| refuse_unpermitted(inner) }
        else
          return unless value.respond_to?(:permitted?) && !value.permitted?

          raise InvalidRequestError, "the context has parameters of a request that are not permitted; " \
                                     "choose them with params.expect(...) or params.require(...).permit(...)"
        end
      end
      private_class_method :refuse_unpermitted
    end

    # @param response [Net::HTTPResponse] not a success
    # @return [ClientError]
    def self.error_for(response)
      body = response.body.to_s
      details = begin
        JSON.parse(body)["error"]
      rescue JSON::ParserError, TypeError, NoMethodError
        nil # the server's own framework answers some errors as plain text
      end
      details = {} unless details.is_a?(Hash)
      status = response.code.to_i
      message = details["message"] || (body.strip.empty? ? response.message : body.strip)
      options = { code: details["code"], status: }
      text = "#{message.to_s[0, 500]} (HTTP #{status})"
      case status
      when 404 then NotFoundError.new(text, **options)
      when 409 then ConflictError.new(text, **options)
      when 401, 403 then PermissionError.new(text, **options)
      when 503 then BackpressureError.new(text, retry_after: RetryAfter.parse(response["retry-after"]), **options)
      when 502, 504 then UnavailableError.new(text, **options)
      when 408, 500.. then ServerError.new(text, **options)
      else InvalidRequestError.new(text, **options)
      end
    end
  end
end
