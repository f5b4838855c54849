# This file is auto-generated from the current state of the database. Instead
# of editing this file, please use the migrations feature of Active Record to
# incrementally modify your database, and then regenerate this schema definition.
#
# This file is the source Rails uses to define your schema when running `bin/rails
# db:schema:load`. When creating a new database, `bin/rails db:schema:load` tends to
# be faster and is potentially less error prone than running all of your
# migrations from scratch. Old migrations may fail to apply correctly if those
# migrations use external dependencies or application code.
#
# It's strongly recommended that you check this file into your version control system.

ActiveRecord::Schema[7.2].define(version: 2026_01_01_000002) do
  # These are extensions that must be enabled in order to support this database
  enable_extension "plpgsql"

  create_table "documents", id: :uuid, default: -> { "gen_random_uuid()" }, force: :cascade do |t|
    t.uuid "owner_id", null: false
    t.string "filename", limit: 255, null: false
    t.string "sha256", limit: 64, null: false
    t.binary "content", null: false
    t.string "status", limit: 32, null: false
    t.uuid "task_uuid"
    t.timestamptz "created_at", default: -> { "now()" }, null: false
    t.index ["owner_id"], name: "index_documents_on_owner_id"
    t.check_constraint "status::text = ANY (ARRAY['received'::character varying, 'infected'::character varying, 'waiting_for_review'::character varying, 'published'::character varying, 'rejected'::character varying]::text[])", name: "documents_status_check"
  end

  create_table "notices", primary_key: ["document_id", "status"], force: :cascade do |t|
    t.uuid "document_id", null: false
    t.string "status", limit: 32, null: false
    t.timestamptz "sent_at", default: -> { "now()" }, null: false
  end

  create_table "pages", primary_key: ["document_id", "number"], force: :cascade do |t|
    t.uuid "document_id", null: false
    t.integer "number", null: false
    t.text "text", null: false
    t.integer "words", null: false
  end

  create_table "reviews", primary_key: "document_id", id: :uuid, default: nil, force: :cascade do |t|
    t.uuid "reviewer_id", null: false
    t.boolean "approved", null: false
    t.string "note", limit: 1000, null: false
    t.timestamptz "created_at", default: -> { "now()" }, null: false
    t.index ["reviewer_id"], name: "index_reviews_on_reviewer_id"
  end

  create_table "tasker_outbox", force: :cascade do |t|
    t.datetime "created_at", null: false
    t.string "namespace", null: false
    t.string "name", null: false
    t.string "version", null: false
    t.jsonb "context", null: false
    t.jsonb "options", null: false
    t.string "ordering_key"
    t.uuid "correlation_id", null: false
    t.integer "attempts", default: 0, null: false
    t.datetime "not_before"
    t.text "last_error"
    t.datetime "dead_at"
    t.index ["ordering_key", "id"], name: "index_tasker_outbox_on_ordering_key_and_id"
  end

  create_table "users", id: :uuid, default: -> { "gen_random_uuid()" }, force: :cascade do |t|
    t.string "email", limit: 254, null: false
    t.string "password_digest", null: false
    t.boolean "is_reviewer", default: false, null: false
    t.index ["email"], name: "index_users_on_email", unique: true
  end

  add_foreign_key "documents", "users", column: "owner_id"
  add_foreign_key "notices", "documents"
  add_foreign_key "pages", "documents"
  add_foreign_key "reviews", "documents"
  add_foreign_key "reviews", "users", column: "reviewer_id"
end
