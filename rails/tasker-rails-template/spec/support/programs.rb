# frozen_string_literal: true

require "net/http"
require "socket"
require "tmpdir"

# Programs of the application, as they are deployed. Each ends with the example, and its output is shown when something went wrong.
module Programs
  PATIENCE = 60

  # A program that runs.
  class Program
    attr_reader :pid

    def initialize(command, environment)
      @log = Tempfile.new("program.log")
      @command = command
      @pid = Process.spawn(environment, *command, chdir: Rails.root.to_s, out: @log.path, err: %i[child out], in: File::NULL, pgroup: true)
    end

    def output = File.read(@log.path)

    # @return [Integer] the exit code
    def stop
      Process.kill("TERM", pid)
      status = Timeout.timeout(PATIENCE) { Process.wait2(pid).last }
      @ended = true
      status.exitstatus || -status.termsig
    rescue Timeout::Error
      raise "#{@command.join(" ")} did not end:\n#{output}"
    end

    def kill
      return if @ended

      Process.kill("KILL", -pid)
      Process.wait(pid)
    rescue Errno::ESRCH, Errno::ECHILD
      nil
    end
  end

  # @return [Program]
  def program(*command, **environment)
    Program.new(command, environment.transform_keys(&:to_s)).tap { |program| programs << program }
  end

  def programs = @programs ||= []

  # Looks until there is something to see.
  def wait_for(what)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + PATIENCE
    until (seen = yield)
      raise "#{what}: nothing within #{PATIENCE} s\n#{programs.map(&:output).join("\n")}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

      sleep 0.05
    end
    seen
  end

  def free_port = TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }

  def serves?(url)
    Net::HTTP.get_response(URI(url)).is_a?(Net::HTTPOK)
  rescue SystemCallError, EOFError
    false
  end
end

# Somebody with a browser: one who keeps cookies.
class Visitor
  def initialize(url)
    @url = URI(url)
  end

  def get(path) = send_request(Net::HTTP::Get.new(path))

  # @return [Net::HTTPResponse]
  def post(path, form: nil, json: nil, headers: {})
    request = Net::HTTP::Post.new(path, { "X-CSRF-Token" => JSON.parse(get("/session").body)["csrf_token"], **headers })
    request.set_form(form, "multipart/form-data") if form
    request.body, request.content_type = JSON.generate(json), "application/json" if json
    send_request(request)
  end

  def upload(content) = post("/documents", form: [ [ "file", content, { filename: "letter.txt" } ] ], headers: { "Idempotency-Key" => SecureRandom.uuid })

  private

  def send_request(request)
    request["Cookie"] = @cookie if @cookie
    answer = Net::HTTP.start(@url.host, @url.port, read_timeout: Programs::PATIENCE) { |http| http.request(request) }
    @cookie = answer["Set-Cookie"]&.split(";")&.first || @cookie
    answer
  end
end

RSpec.configure do |config|
  config.include Programs, :stack
  config.after(:each, :stack) { programs.each(&:kill) }
end
