# frozen_string_literal: true

class CreateDocuments < ActiveRecord::Migration[7.2]
  def change
    create_table :users, id: :uuid do |t|
      t.string :email, null: false, limit: 254, index: { unique: true }
      t.string :password_digest, null: false
      t.boolean :is_reviewer, null: false, default: false
    end

    create_documents
    create_what_belongs_to_documents
  end

  private

  def create_documents
    create_table :documents, id: :uuid do |t|
      t.references :owner, null: false, type: :uuid, foreign_key: { to_table: :users }
      t.string :filename, null: false, limit: 255
      t.string :sha256, null: false, limit: 64
      t.binary :content, null: false
      t.string :status, null: false, limit: 32
      t.uuid :task_uuid
      t.timestamptz :created_at, null: false, default: -> { "now()" }
      t.check_constraint "status IN ('received', 'infected', 'waiting_for_review', 'published', 'rejected')", name: "documents_status_check"
    end
  end

  def create_what_belongs_to_documents
    create_table :pages, primary_key: %i[document_id number] do |t|
      t.references :document, null: false, type: :uuid, index: false, foreign_key: true
      t.integer :number, null: false
      t.text :text, null: false
      t.integer :words, null: false
    end

    create_table :reviews, id: false do |t|
      t.references :document, null: false, type: :uuid, primary_key: true, index: false, foreign_key: true
      t.references :reviewer, null: false, type: :uuid, foreign_key: { to_table: :users }
      t.boolean :approved, null: false
      t.string :note, null: false, limit: 1000
      t.timestamptz :created_at, null: false, default: -> { "now()" }
    end

    create_table :notices, primary_key: %i[document_id status] do |t|
      t.references :document, null: false, type: :uuid, index: false, foreign_key: true
      t.string :status, null: false, limit: 32
      t.timestamptz :sent_at, null: false, default: -> { "now()" }
    end
  end
end
