# frozen_string_literal: true

require "json"
require "pg"

# Processes that use the outbox on a real PostgreSQL and a real server, and that die by SIGKILL where a test wants.
module OutboxProcesses
  # Counts each statement and each request, once before it is sent and once when it has been answered, and dies at the one of that number.
  class KillPoint
    def initialize(number)
      @left = number
    end

    def passed
      Process.kill("KILL", Process.pid) if (@left -= 1).zero?
    end

    # The callbacks of a subscriber of notifications.
    def start(_name, _id, payload) = payload[:name] == "SCHEMA" || passed
    def finish(_name, _id, payload) = payload[:name] == "SCHEMA" || passed

    def install
      point = self
      ActiveSupport::Notifications.subscribe("sql.active_record", self)
      TaskerContribRails::Client::Connection.prepend(Module.new do
        define_method(:send_request) do |*arguments|
          point.passed
          super(*arguments).tap { point.passed }
        end
      end)
    end
  end

  # @return [String] a database of its own beside the server's, with the outbox and a table of orders
  def self.database
    @database ||= begin
      url = URI(Stack.running.database_url)
      PG.connect(url.to_s).tap do |server|
        server.exec("CREATE DATABASE outbox_app")
        server.exec("ALTER DATABASE outbox_app SET lock_timeout = '30s'")
      end.close
      url.tap { |own| own.path = "/outbox_app" }.to_s.tap do |own|
        ActiveRecord::Base.establish_connection(own)
        ActiveRecord::Base.connection.create_table(:orders)
        OutboxHelpers.make_table
        ActiveRecord::Base.remove_connection
      end
    end
  end

  def client = TaskerContribRails::Client.new(Stack.running.orchestration_url)

  # Runs a block in a child.
  #
  # @param kill_at [Integer, nil] see {KillPoint}
  # @return [Integer] its process id
  def child(kill_at: nil)
    fork do
      Stack.forget
      $stdout.reopen(File::NULL)
      TaskerContribRails.logger = Logger.new(nil)
      ActiveRecord::Base.establish_connection(OutboxProcesses.database)
      ActiveRecord::Base.connection.execute("SELECT 1")
      KillPoint.new(kill_at).install if kill_at
      yield
      exit!(0)
    rescue Exception => error # rubocop:disable Lint/RescueException -- the parent's handlers must not run here
      warn "#{error.class}: #{error.message}\n#{error.backtrace.first(5).join("\n")}"
      exit!(1)
    end
  end

  # @return [Boolean] whether it came to its end; false if it was killed
  def ended?(pid)
    status = Process.wait2(pid).last
    raise "process #{pid} failed" if status.exitstatus == 1

    status.exited?
  end

  def relay_until_empty
    relay = TaskerContribRails::Outbox::Relay.new(client:)
    until TaskerContribRails::OutboxEntry.none?
      relay.run_once.empty? && sleep(0.01)
      raise "the relay gave up: #{dead.join("; ")}" if dead.any?
    end
  end

  # @return [Array<String>] reasons
  def dead = TaskerContribRails::OutboxEntry.dead.pluck(:last_error)

  # @return [Array<String>] what the tasks of a run have in their context, sorted
  def tasks_of(run)
    PG.connect(Stack.running.database_url).then do |server|
      server.exec_params("SELECT context->>'order' FROM tasker.tasks WHERE context->>'run' = $1 ORDER BY 1", [ run ]).values.flatten
    ensure
      server.close
    end
  end

  # Reads the app's database here, without a connection that a fork would share.
  def inside_database
    ActiveRecord::Base.establish_connection(OutboxProcesses.database)
    yield
  ensure
    ActiveRecord::Base.remove_connection
  end
end
