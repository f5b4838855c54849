# frozen_string_literal: true

module TaskerCore
  # Writes to the native library's console; no way leads to the host's logger.
  class Tracing
    include Singleton

    %i[error warn info debug trace].each do |level|
      define_singleton_method(level) { |message, fields = {}| FFI.public_send(:"log_#{level}", message.to_s, fields.transform_values(&:to_s)) }
    end
  end

  # No ::Logger: it has neither level, add nor tagged.
  class Logger
    include Singleton

    def error(message) = Tracing.error(message)
    def warn(message) = Tracing.warn(message)
    def info(message) = Tracing.info(message)
    def fatal(message) = Tracing.error(message)
    def debug(message) = Tracing.debug(message)
  end
end
