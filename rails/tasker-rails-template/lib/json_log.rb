# frozen_string_literal: true

require "json"
require "time"

# Logs as JSON, one object a line. Tags such as `request_id=…`, and those that the worker puts around a step, become keys.
class JsonLog < Logger::Formatter
  KEYS = { "task" => "task_uuid", "step" => "step_uuid" }.freeze

  # @return [ActiveSupport::Logger] that knows tags
  def self.logger(output)
    output.sync = true
    logger = ActiveSupport::TaggedLogging.new(ActiveSupport::Logger.new(output))
    logger.formatter = new.extend(ActiveSupport::TaggedLogging::Formatter).extend(Untagged)
    logger
  end

  # TaggedLogging would write the tags before the line.
  module Untagged
    def call(severity, time, _name, message) = JsonLog.line(severity, time, message, current_tags)
  end

  def self.line(severity, time, message, tags)
    named, others = tags.partition { |tag| tag.to_s.include?("=") }
    ids = named.to_h { |tag| tag.to_s.split("=", 2) }.transform_keys { |key| KEYS.fetch(key, key) }
    fields = message.is_a?(Hash) ? message.deep_stringify_keys : { "message" => text(message) }
    line = { "time" => time.utc.iso8601(3), "level" => severity, **(others.any? ? { "tags" => others } : {}), **ids, **fields }
    "#{JSON.generate(line)}\n"
  end

  def self.text(message)
    return "#{message.class}: #{message.message}\n#{message.backtrace&.first(20)&.join("\n")}" if message.is_a?(Exception)

    (message.is_a?(String) ? message : message.inspect).scrub.strip
  end
end
