# frozen_string_literal: true

# Signing in and out. `GET /session` gives the token that every other request but GET sends as X-CSRF-Token.
class SessionsController < ApplicationController
  include RateLimits

  skip_before_action :require_user
  limit Rails.configuration.x.settings.login_rate, by: -> { request.remote_ip }, only: :create

  def show = render_session

  def create
    email, password = params.values_at(:email, :password).map(&:to_s)
    user = User.authenticate_by(email:, password:) if email.present? && password.present?
    return refuse(:unauthorized, "wrong e-mail address or password") unless user

    sign_in(user)
    render_session
  end

  def destroy
    reset_session
    head :no_content
  end

  private

  def render_session = render(json: { email: current_user&.email, is_reviewer: current_user&.is_reviewer || false, csrf_token: form_authenticity_token })
end
