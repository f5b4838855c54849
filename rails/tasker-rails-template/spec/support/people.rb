# frozen_string_literal: true

# People, and requests that they make.
module People
  PASSWORD = "correct horse battery"

  def person(name, is_reviewer: name == "rita") = User.find_or_create_by!(email: "#{name}@example.org") { |user| user.assign_attributes(password: PASSWORD, is_reviewer:) }

  # A document of somebody, as the upload stores it.
  def document(content, owner: person("ann")) = Document.take_in(owner, key: SecureRandom.uuid, filename: "letter.txt", content:, request_id: SecureRandom.uuid)
end

# For requests: who is signed in, and the token that goes with it.
module Requests
  def sign_in(name)
    reset!
    submit session_path, { email: person(name).email, password: People::PASSWORD }
    RateLimits::STORE.clear
  end

  # A POST with the session's CSRF token.
  def submit(path, params = {}, headers: {}, **)
    get session_path
    post(path, params:, headers: { "X-CSRF-Token" => answer["csrf_token"], **headers }, **)
  end

  def upload(content = "three good words", key: "key-0001")
    file = Rack::Test::UploadedFile.new(StringIO.new(content), "text/plain", original_filename: "letter.txt")
    submit documents_path, { file: }, headers: { "Idempotency-Key" => key }
  end

  def answer = JSON.parse(response.body)
  def status = response.status
end

RSpec.configure do |config|
  config.include People, :database
  config.include People, :stack
  config.include Requests, type: :request
  config.include ActiveSupport::Testing::TimeHelpers, type: :request
end
