# frozen_string_literal: true

require_relative "../errors"

module TaskerContribRails
  # Base of all errors of the client. Its subclasses say what to do about it.
  class ClientError < Error
    # @return [String, nil] the server's code, such as NOT_FOUND
    attr_reader :code
    # @return [Integer, nil] the HTTP status
    attr_reader :status

    def initialize(message, code: nil, status: nil)
      super(message)
      @code = code
      @status = status
    end
  end

  # No such task, or no worker has registered the template.
  class NotFoundError < ClientError; end

  # The task exists: Tasker keeps one task for each template and context.
  class ConflictError < ClientError; end

  # Credentials are missing, wrong, or not enough.
  class PermissionError < ClientError; end

  # An argument is wrong; nothing was sent, or the server refused it.
  class InvalidRequestError < ClientError; end

  # The server is overloaded, also after repetitions.
  class BackpressureError < ClientError
    # @return [Float, nil] seconds after which the server wants to be asked again
    attr_reader :retry_after

    def initialize(message, retry_after: nil, **)
      super(message, **)
      @retry_after = retry_after
    end
  end

  # The server cannot be reached, or a proxy before it answered in its place.
  class UnavailableError < ClientError; end

  # The server failed.
  class ServerError < ClientError; end

  # A task has not ended in time. The task goes on.
  class WaitTimeoutError < ClientError; end
end
