# frozen_string_literal: true

module TaskerCore
  module StepHandler
    class Base
      attr_reader :config, :logger

      def initialize(config: {}, logger: nil)
        @config = config || {}
        @logger = logger || Logger.instance
      end

      def call(context) = raise(NotImplementedError, "#{self.class} must implement call(#{context.class})")

      def success(result: nil, result_data: nil, metadata: {})
        value = result || result_data
        raise ArgumentError, "result or result_data required" if value.nil?

        Types::StepHandlerCallResult.success(result: value, metadata:)
      end

      def failure(message:, error_type: "UnexpectedError", error_code: nil, retryable: false, metadata: {})
        Types::StepHandlerCallResult.error(message:, error_type:, error_code:, retryable:, metadata:)
      end
    end

    module Mixins
      module API
        def connection = TaskerCore::Config.instance # this constant does not exist
        def get(path, params: {}, headers: {}) = connection.get(path, params, headers)
      end
    end
  end
end
