# frozen_string_literal: true

require "active_support/all"
require "json"
require "singleton"

# See README.md.
module TaskerCore
  VERSION = "0.1.10"
end

# Core loads a .env of the working directory here.
if File.file?(".env")
  File.foreach(".env", chomp: true) { |line| line.match(/\A(\w+)=(.*)\z/) { |match| ENV[match[1]] ||= match[2] } }
end

%w[json_only native ffi logging errors models step_context types registry step_handler subscriber domain_events bootstrap client].each { |file| require_relative "tasker_core/#{file}" }
