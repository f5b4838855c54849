# frozen_string_literal: true

require "json"
require "socket"

# An HTTP server whose answers are written by the example: what no real server can be made to do on demand.
class HttpServer
  Request = Data.define(:verb, :path, :headers, :body, :connection)

  attr_reader :requests

  # @yieldparam request [Request]
  # @yieldreturn [Array, :hang_up] status, headers and body
  def initialize(&answer)
    @answer = answer
    @requests = Thread::Queue.new
    @socket = TCPServer.new("127.0.0.1", 0)
    @connections = 0
    @thread = Thread.new { loop { serve(@socket.accept, @connections += 1) } }
    @thread.report_on_exception = false
  end

  def url = "http://127.0.0.1:#{@socket.addr[1]}"

  def close
    @thread.kill
    @socket.close
  end

  # @return [Array<Request>] all requests so far
  def seen = Array.new(@requests.size) { @requests.pop }

  private

  def serve(client, number)
    Thread.new do
      while (line = client.gets)
        request = read(line, client, number)
        @requests << request
        answer = @answer.call(request)
        break if answer == :hang_up

        write(client, *answer)
      end
    rescue IOError, SystemCallError
      nil
    ensure
      client.close
    end
  end

  def read(line, client, number)
    verb, path = line.split
    headers = {}
    while (header = client.gets) && header != "\r\n"
      name, value = header.chomp.split(": ", 2)
      headers[name.downcase] = value
    end
    Request.new(verb:, path:, headers:, body: client.read(headers.fetch("content-length", 0).to_i), connection: number)
  end

  def write(client, status, headers, body)
    text = body.is_a?(String) ? body : JSON.generate(body)
    lines = { "Content-Length" => text.bytesize, "Content-Type" => "application/json" }.merge(headers).map { |name, value| "#{name}: #{value}\r\n" }
    client.write("HTTP/1.1 #{status} X\r\n#{lines.join}\r\n#{text}")
  end
end
