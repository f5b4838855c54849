# frozen_string_literal: true

# Somebody who may sign in. `bin/rails users:add EMAIL=…` adds one.
class User < ApplicationRecord
  has_secure_password

  normalizes :email, with: ->(email) { email.strip.downcase }

  validates :email, presence: true, length: { maximum: 254 }, uniqueness: true, format: { with: URI::MailTo::EMAIL_REGEXP, allow_blank: true }
  validates :password, length: { minimum: 12 }, allow_nil: true
end
