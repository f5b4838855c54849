# frozen_string_literal: true

# The application answers with JSON: a browser has nothing to load, and no page may frame it.
Rails.application.configure do
  config.content_security_policy do |policy|
    policy.default_src :none
    policy.frame_ancestors :none
  end
end
