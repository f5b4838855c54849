# frozen_string_literal: true

require "json"
require "open3"
require "pg"
require "tempfile"

# The local Tasker stack: one throw-away tasker-dev for all examples tagged `:stack`.
module Stack
  Running = Data.define(:orchestration_url, :database_url)

  class << self
    # @return [Running] started at the first call
    def running = @running ||= start

    # In a forked child: tasker-dev ends with the parent, also when the child is left.
    def forget = @alive&.close

    # Without a worker there is nobody who registers templates, so this does what a worker's boot does.
    def register(template)
      connection = PG.connect(running.database_url)
      namespace = connection.exec_params(<<~SQL, [ template["namespace_name"] ])[0]["task_namespace_uuid"]
        INSERT INTO tasker.task_namespaces (name, created_at, updated_at) VALUES ($1, now(), now()) ON CONFLICT (name) DO UPDATE SET updated_at = now() RETURNING task_namespace_uuid
      SQL
      connection.exec_params(<<~SQL, [ template["name"], template["version"], namespace, JSON.generate(template) ])
        INSERT INTO tasker.named_tasks (name, version, task_namespace_uuid, configuration, created_at, updated_at) VALUES ($1, $2, $3, $4, now(), now())
      SQL
    ensure
      connection&.close
    end

    private

    def start
      binary = ENV.fetch("TASKER_DEV_BIN") { raise "TASKER_DEV_BIN is not set; run `cargo xtask test --unit rails/tasker-contrib-rails`" }
      log = Tempfile.new("tasker-dev.log")
      output, input = IO.pipe
      # tasker-dev removes all it made when it is told to stop, and also when this process dies: its standard input ends then.
      held, @alive = IO.pipe
      pid = Process.spawn(binary, "up", "--json", "--until-stdin-ends", out: input, err: log, in: held, pgroup: true)
      [ input, held ].each(&:close)
      # Not at the exit of a child that was forked.
      owner = Process.pid
      at_exit { stop(pid) if Process.pid == owner }
      line = output.wait_readable(120) && output.gets
      raise "tasker-dev did not start:\n#{File.read(log.path)[-4000..]}" unless line
      Thread.new { output.each_line { nil } }
      ready = JSON.parse(line)
      Running.new(orchestration_url: ready.fetch("orchestration_url"), database_url: ready.fetch("database_url"))
    end

    def stop(pid)
      Process.kill("TERM", pid)
      Process.wait(pid)
    rescue Errno::ESRCH, Errno::ECHILD
      nil
    end
  end
end
