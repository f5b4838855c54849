# frozen_string_literal: true

# Calls an HTTP API. A lost connection, a timeout and the answers 408, 425, 429 and 5xx are retried, after Retry-After if the server
# sent it; any other answer that is not a success fails for good.
class Billing::ChargeCardHandler < Tasker::ApiHandler
  self.url = ENV.fetch("CHARGE_CARD_URL", "https://api.example.com")
  self.timeout = 10

  def call(context)
    get("/items/#{context.get_input(:id)}").body.slice("id", "status")
  end
end
