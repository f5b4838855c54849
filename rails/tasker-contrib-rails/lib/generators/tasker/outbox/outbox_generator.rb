# frozen_string_literal: true

require "rails/generators"
require "rails/generators/active_record"

module Tasker
  module Generators
    # rails generate tasker:outbox
    class OutboxGenerator < ::Rails::Generators::Base
      include ::Rails::Generators::Migration
      include ::ActiveRecord::Generators::Migration

      source_root File.expand_path("templates", __dir__)

      class_option :database, type: :string, aliases: "--db", desc: "The database of config/database.yml, if it is not the primary one"

      def migration = migration_template("create_tasker_outbox.rb.tt", File.join(db_migrate_path, "create_tasker_outbox.rb"))

      def next_step
        return if behavior != :invoke || options[:pretend]

        say "\nNext: run `bin/rails db:migrate`, set `config.outbox = true` in config/initializers/tasker.rb, and run `bin/rails tasker:outbox:relay` beside the app."
      end
    end
  end
end
