# frozen_string_literal: true

# A document on its way from the upload to publication. Steps may run twice, so writing the same thing again changes nothing, and a status
# changes only from the one that is expected.
class Document < ApplicationRecord
  belongs_to :owner, class_name: "User"
  has_many :pages, dependent: :delete_all
  has_many :notices, dependent: :delete_all
  has_one :review, dependent: :delete

  enum :status, %w[received infected waiting_for_review published rejected].index_by(&:itself), default: "received"

  # The content is read only where it is wanted.
  scope :without_content, -> { select(column_names - [ "content" ]) }
  scope :visible_to, ->(user) { user.is_reviewer? ? all : where(owner: user) }

  # Stores a document and the row from which its task is created, or returns the document that this key has made before.
  def self.take_in(owner, key:, filename:, content:, request_id:)
    transaction do
      # The same owner and key make the same id, and the same id is the same task.
      document = create_or_find_by!(id: Digest::UUID.uuid_v5(owner.id, key)) do |new|
        new.assign_attributes(owner:, content:, filename: filename.to_s.delete("\0").first(255).presence || "unnamed", sha256: Digest::SHA256.hexdigest(content))
      end
      document.start("intake_document", request_id:) if document.previously_new_record?
      document
    end
  end

  def holds?(content) = sha256 == Digest::SHA256.hexdigest(content)

  # Stores a person's answer and the row from which the task is created that carries it out.
  #
  # @return [Review, nil] the answer that counts, which may be an earlier one; none if the document does not wait for any
  def answer(reviewer, approved:, note:, request_id:)
    with_lock do
      review || (waiting_for_review? && create_review!(reviewer:, approved:, note:).tap { start("finish_review", request_id:) }) || nil
    end
  end

  # Changes the status if it is the expected one.
  #
  # @return [String] the one that it has then
  def move(to:, from:)
    self.class.where(id:, status: from).update_all(status: to)
    self.class.where(id:).pick(:status)
  end

  def start(template, request_id:)
    Tasker.create_task(template, { document_id: id }, namespace: "intake", correlation_id: request_id, on_conflict: :return)
    # The one line with both ids: the task has this correlation id.
    logger.info({ message: "task of document", document_id: id, template:, correlation_id: request_id })
  end

  def as_json(*) = slice(:id, :filename, :sha256, :status, :task_uuid, :created_at).as_json
end
