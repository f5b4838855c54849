# frozen_string_literal: true

# Every action needs somebody who is signed in, unless its controller says `skip_before_action :require_user`.
module Authentication
  extend ActiveSupport::Concern

  included do
    # Before the check of the CSRF token: a stranger hears that signing in is missing.
    prepend_before_action :require_user
  end

  private

  def current_user
    @current_user ||= User.find_by(id: session[:user_id]) if session[:user_id]
  end

  def require_user
    refuse :unauthorized, "sign in first" unless current_user
  end

  def require_reviewer
    refuse :forbidden, "only reviewers may do this" unless current_user.is_reviewer?
  end

  # A session that was known before is not used again, so that nobody can have planted it.
  def sign_in(user)
    reset_session
    session[:user_id] = user.id
    @current_user = user
  end
end
