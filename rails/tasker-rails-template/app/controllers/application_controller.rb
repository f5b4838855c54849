# frozen_string_literal: true

# Answers with JSON; a refusal is `{"detail": "why"}`.
class ApplicationController < ActionController::Base
  include Authentication

  wrap_parameters false

  # Signing in, or a repeated request with a new token, is what helps.
  rescue_from ActionController::InvalidAuthenticityToken do
    refuse :unprocessable_entity, "the X-CSRF-Token is missing or not that of this session: GET /session has it"
  end

  private

  def settings = Rails.configuration.x.settings

  def refuse(status, detail) = render(status:, json: { detail: })

  # A task gets it as its correlation id.
  delegate :request_id, to: :request
end
