# frozen_string_literal: true

# Uploads a document, and looks at it.
class DocumentsController < ApplicationController
  include RateLimits

  limit Rails.configuration.x.settings.upload_rate, by: -> { current_user.id }, only: :create

  KEY_LENGTH = 8..128
  MOST_LISTED = 100

  # The same key again gives the same document, and one task.
  def create
    key, file = request.headers["Idempotency-Key"].to_s, params[:file]
    return refuse(:unprocessable_entity, "the header Idempotency-Key needs #{KEY_LENGTH.minmax.join(" to ")} characters") unless KEY_LENGTH.cover?(key.length)
    return refuse(:unprocessable_entity, "the form field file is missing, or not a file") unless file.is_a?(ActionDispatch::Http::UploadedFile)
    return refuse(:content_too_large, "the file has more than #{settings.max_upload_bytes} bytes") if file.size > settings.max_upload_bytes

    content = file.read
    document = Document.take_in(current_user, key:, filename: file.original_filename, content:, request_id:)
    return refuse(:unprocessable_entity, "this Idempotency-Key was used with another file") unless document.holds?(content)

    render json: document, status: :accepted
  end

  def index
    limit = Integer(params.fetch(:limit, 25), exception: false)
    return refuse(:unprocessable_entity, "limit must be 1 to #{MOST_LISTED}") unless limit&.between?(1, MOST_LISTED)

    render json: Document.without_content.where(owner: current_user).order(created_at: :desc, id: :asc).limit(limit)
  end

  # What is somebody else's does not exist, so that nobody can ask around.
  def show
    document = Document.without_content.visible_to(current_user).find_by(id: params[:id])
    document ? render(json: document) : refuse(:not_found, "there is no document #{params[:id]}")
  end
end
