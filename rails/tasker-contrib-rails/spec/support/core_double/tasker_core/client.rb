# frozen_string_literal: true

module TaskerCore
  # Needs a running worker in the process, and holds the interpreter during a call.
  module Client
    def self.health_check = FFI.client_health_check
  end
end
