# frozen_string_literal: true

require "fileutils"
require "json"
require "net/http"
require "open3"
require "socket"
require "tmpdir"

# A real Rails app, made by `rails new` in a temporary folder, with the gem from this folder and the double of tasker_core.
class DummyApp
  GEM = File.expand_path("../..", __dir__)
  DOUBLE = File.join(GEM, "spec/support/core_double")
  # The app has a bundle of its own, also when the specs run in one.
  CLEAN = begin
    plain = defined?(Bundler) ? Bundler.unbundled_env : ENV.to_h
    (ENV.keys | plain.keys).reject { |name| ENV[name] == plain[name] }.to_h { |name| [ name, plain[name] ] }.merge("RUBYLIB" => nil).freeze
  end

  class << self
    # @return [String] the one that all examples copy
    def original(gems = []) = (@originals ||= {})[gems] ||= make(gems)

    private

    def make(gems)
      folder = Dir.mktmpdir("tasker-rails")
      # A process that is forked from this one ends with the same hooks.
      owner = ::Process.pid
      at_exit { FileUtils.rm_rf(folder) if ::Process.pid == owner }
      run(folder, "rails", "new", "shop", "--minimal", "--skip-bundle", "--skip-git", "--skip-test", "--skip-javascript", "--skip-asset-pipeline", "--quiet")
      app = File.join(folder, "shop")
      File.write(File.join(app, "Gemfile"), "gem \"rails\", \"#{Gem::Specification.find_by_name("railties").version}\"\ngem \"sqlite3\"\ngem \"puma\"\ngem \"tasker-contrib-rails\", path: #{GEM.inspect}\n#{gems.map { |name| "gem #{name.inspect}, require: false\n" }.join}")
      run(app, "bundle", "install", "--local", "--quiet")
      run(app, "bin/rails", "generate", "tasker:install")
      app
    end

    def run(folder, *command)
      output, status = Open3.capture2e(CLEAN, *command, chdir: folder)
      raise "#{command.join(" ")} failed:\n#{output}" unless status.success?
    end
  end

  # A process that should have ended.
  class DidNotEnd < StandardError; end

  # A process of the app, with its output.
  Process = Struct.new(:pid, :log) do
    def output = File.read(log)

    def signal(name) = ::Process.kill(name, pid)

    # @return [Integer, nil] the exit code
    def wait(seconds = 20)
      status = nil
      Timeout.timeout(seconds, DidNotEnd, "process #{pid} did not end") { status = ::Process.wait2(pid).last }
      self.pid = nil
      status.exitstatus || -status.termsig
    rescue DidNotEnd => error
      raise DidNotEnd, "#{error.message}; its output:\n#{output}"
    end

    def kill
      ::Process.kill("KILL", -pid) if pid
    rescue Errno::ESRCH
      nil
    end
  end

  attr_reader :root

  # @param gems [Array<String>] more of them in the Gemfile
  # @param more [Hash] variables of its processes
  def initialize(gems: [], more: {})
    @folder = Dir.mktmpdir("tasker-app")
    @root = File.join(@folder, "shop")
    FileUtils.cp_r(self.class.original(gems), @root)
    @processes = []
    @more = more
  end

  def close
    @processes.each(&:kill)
    FileUtils.rm_rf(@folder)
  end

  def write(path, text)
    FileUtils.mkdir_p(File.dirname(File.join(root, path)))
    File.write(File.join(root, path), text)
  end

  def read(path) = File.read(File.join(root, path))
  def exist?(path) = File.exist?(File.join(root, path))
  def files = Dir.chdir(root) { Dir["{app,config,spec,test,bin}/**/*"].select { |path| File.file?(path) }.to_h { |path| [ path, File.read(path) ] } }

  def env
    { **CLEAN, "RUBYLIB" => DOUBLE, "DATABASE_URL" => nil, "TASKER_DATABASE__URL" => WorkerHelpers.database_url,
      "TASKER_DOUBLE_JOURNAL" => journal_file, "TASKER_DOUBLE_STEPS" => (steps_file if File.exist?(steps_file)), "RAILS_LOG_TO_STDOUT" => "1", "RAILS_ENV" => "development", **@more }
  end

  # @return [Array(String, Integer)] output and exit code
  def run(*command, more: {})
    output, status = Open3.capture2e(env.merge(more), *command, chdir: root, stdin_data: "")
    [ output, status.exitstatus ]
  end

  # @return [Process]
  def start(*command, more: {})
    log = File.join(@folder, "#{@processes.size}.log")
    Process.new(::Process.spawn(env.merge(more), *command, chdir: root, out: log, err: %i[child out], in: File::NULL, pgroup: true), log).tap { |process| @processes << process }
  end

  # What its processes have printed so far.
  def said = @processes.map(&:output).join("\n")

  # Steps that the double delivers as soon as it is booted.
  def deliver(*steps) = File.write(steps_file, JSON.generate(steps))

  # @return [Array<Hash>] what the double wrote down
  def journal(event = nil)
    lines = File.exist?(journal_file) ? File.readlines(journal_file).map { |line| JSON.parse(line) } : []
    event ? lines.select { |line| line["event"] == event } : lines
  end

  def free_port = TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }

  private

  def journal_file = File.join(@folder, "journal")
  def steps_file = File.join(@folder, "steps.json")
end
