# frozen_string_literal: true

# Tasks that are written in the app's own transactions; `bin/rails tasker:outbox:relay` creates them.
class CreateTaskerOutbox < ActiveRecord::Migration[7.2]
  def change
    json, uuid = connection.adapter_name.match?(/postg/i) ? [ :jsonb, :uuid ] : [ :json, :string ]

    create_table :tasker_outbox do |t|
      t.datetime :created_at, null: false
      t.string :namespace, null: false
      t.string :name, null: false
      t.string :version, null: false
      t.column :context, json, null: false
      t.column :options, json, null: false
      t.string :ordering_key
      t.column :correlation_id, uuid, null: false
      t.integer :attempts, null: false, default: 0
      t.datetime :not_before
      t.text :last_error
      t.datetime :dead_at
      t.index [ :ordering_key, :id ]
    end
  end
end
