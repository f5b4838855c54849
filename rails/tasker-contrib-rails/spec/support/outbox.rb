# frozen_string_literal: true

require "active_record"
require "erb"

# A database of an app with the table of the outbox, as the generator's migration makes it. Groups tagged `:outbox` have one in memory.
module OutboxHelpers
  MIGRATION = File.expand_path("../../lib/generators/tasker/outbox/templates/create_tasker_outbox.rb.tt", __dir__)

  def self.make_table
    code = ERB.new(File.read(MIGRATION)).result
    Object.class_eval(code) unless defined?(CreateTaskerOutbox)
    ActiveRecord::Migration.suppress_messages { CreateTaskerOutbox.new.migrate(:up) }
    TaskerContribRails::Outbox.instance_variable_set(:@table, nil)
    TaskerContribRails::OutboxEntry.reset_column_information
  end

  # A client that answers as the example says, and writes down what it was asked.
  class ScriptedClient < TaskerContribRails::Client
    attr_reader :asked

    def initialize(&answer)
      super("http://127.0.0.1:1")
      @answer = answer
      @asked = []
    end

    def create_task(name, context = {}, **options)
      @asked << [ name, context, options ]
      correlation = @answer&.call(name, options) || options[:correlation_id]
      TaskerContribRails::Client::Task.new("task_uuid" => SecureRandom.uuid, "name" => name, "context" => context, "correlation_id" => correlation)
    end
  end
end

RSpec.configure do |config|
  config.include OutboxHelpers, :outbox
  config.around(:each, :outbox) do |example|
    ActiveRecord::Base.establish_connection(adapter: "sqlite3", database: ":memory:")
    ActiveRecord::Base.connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    OutboxHelpers.make_table
    TaskerContribRails::App.reset! # the model has read the settings
    TaskerContribRails.logger = Logger.new(@log = StringIO.new)
    example.run
  ensure
    TaskerContribRails.logger = nil
    TaskerContribRails::App.reset!
    ActiveRecord::Base.remove_connection
  end
end
