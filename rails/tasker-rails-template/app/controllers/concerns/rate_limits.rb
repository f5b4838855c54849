# frozen_string_literal: true

# Limits of requests, as the settings say. Behind a proxy `request.remote_ip` is the client's if the proxy's address is a private one.
module RateLimits
  extend ActiveSupport::Concern

  STORE =
    if (storage = Rails.configuration.x.settings.rate_limit_storage) == "memory://"
      ActiveSupport::Cache::MemoryStore.new
    else
      ActiveSupport::Cache.lookup_store(:redis_cache_store, url: storage)
    end

  class_methods do
    def limit(rate, by:, only:)
      too_many = lambda do
        response.headers["Retry-After"] = rate.seconds.to_s
        refuse :too_many_requests, "more than #{rate.text}: try again in #{rate.seconds} s"
      end
      rate_limit to: rate.count, within: rate.seconds.seconds, by:, only:, with: too_many, store: STORE
    end
  end
end
