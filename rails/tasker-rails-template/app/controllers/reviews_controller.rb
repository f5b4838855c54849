# frozen_string_literal: true

# Answers for a document that waits for a person.
class ReviewsController < ApplicationController
  before_action :require_reviewer

  # The same answer again changes nothing.
  def create
    approved, note = answer
    return refuse(:unprocessable_entity, "the body is not {\"approved\": true or false, \"note\": at most #{Review::NOTE_LENGTH} characters}") if note.nil?

    document = Document.without_content.find_by(id: params[:document_id])
    return refuse(:not_found, "there is no document #{params[:document_id]}") unless document

    review = document.answer(current_user, approved:, note:, request_id:)
    return refuse(:conflict, "the document waits for no review: it is #{document.status}") unless review
    return refuse(:conflict, "the review has another answer already") if review.approved != approved

    render json: { document_id: document.id, approved: }, status: :accepted
  end

  private

  # @return [Array(Boolean, String), nil] none if the body has anything else in it
  def answer
    approved, note = request.request_parameters.values_at(:approved, :note)
    note ||= ""
    known = (request.request_parameters.keys - %w[approved note]).empty?
    [ approved, note ] if known && [ true, false ].include?(approved) && note.is_a?(String) && note.length <= Review::NOTE_LENGTH
  end
end
