# frozen_string_literal: true

require "json"
require "tempfile"

# PostgreSQL and Tasker's server, from one `tasker-dev` for all examples.
module LocalStack
  Running = Data.define(:orchestration_url, :database_url) do
    # Another database on the same PostgreSQL.
    def database(name) = URI(database_url).tap { |url| url.path = "/#{name}" }.to_s
  end

  PATIENCE = 120

  class << self
    # @return [Running] started at the first call
    def running = @running ||= start

    private

    def start
      log = Tempfile.new("tasker-dev.log")
      output, input = IO.pipe
      # tasker-dev removes all that it made when this process ends, however it does: its standard input ends then.
      held, @alive = IO.pipe
      pid = Process.spawn(ENV.fetch("TASKER_DEV_BIN", "tasker-dev"), "up", "--json", "--until-stdin-ends", out: input, err: log, in: held, pgroup: true)
      [ input, held ].each(&:close)
      at_exit { stop(pid) }
      line = output.wait_readable(PATIENCE) && output.gets or raise "tasker-dev did not start:\n#{File.read(log.path).last(4000)}"
      Thread.new { output.each_line { nil } }
      Running.new(**JSON.parse(line, symbolize_names: true).slice(:orchestration_url, :database_url))
    rescue Errno::ENOENT
      raise "there is no tasker-dev: put it on PATH or name it in TASKER_DEV_BIN, set APP_DATABASE_URL for what needs only PostgreSQL, or leave this out with --tag ~database"
    end

    def stop(pid)
      Process.kill("TERM", pid)
      Timeout.timeout(PATIENCE) { Process.wait(pid) }
    rescue Errno::ESRCH, Errno::ECHILD
      nil
    rescue Timeout::Error
      Process.kill("KILL", -pid)
    end
  end
end
