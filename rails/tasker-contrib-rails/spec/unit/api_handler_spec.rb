# frozen_string_literal: true

require "tasker_contrib_rails/testing"

RSpec.describe TaskerContribRails::ApiHandler do
  include TaskerContribRails::Testing::Helpers

  after { @server&.close }

  def serve(&) = @server = HttpServer.new(&)
  def request = @server.seen.last

  # A handler whose +call+ is the block; its URL is that of the server.
  def handler(**options, &call)
    url = @server&.url
    Class.new(described_class) do
      self.url = url
      options.each { |name, value| public_send(:"#{name}=", value) }
      define_method(:call, &call || ->(_context) { get("/rates").body })
    end
  end

  def run(config: {}, **options, &) = run_step(handler(**options, &), config:)

  def answering(status, headers = {}, body = { "message" => "no" })
    @server&.close
    serve { [ status, headers, body ] }
    run
  end

  describe "requests" do
    before { serve { [ 200, {}, { "rate" => 1.5 } ] } }

    it "are JSON both ways, with the parameters and headers of the class, the call and the template" do
      step = run(headers: { "X-App" => "shop" }, params: { v: 2 }, config: { headers: { "X-Step" => "rates" } }) { |_| post("/rates?day=1", { cents: 5 }, { "X-Call" => "1" }).body }
      expect(step.result).to eq("rate" => 1.5)
      sent = request
      expect(sent).to have_attributes(verb: "POST", path: "/rates?day=1&v=2", body: '{"cents":5}')
      expect(sent.headers).to include("content-type" => "application/json", "x-step" => "rates", "x-call" => "1").and not_include("x-app")
    end

    it "have every verb" do
      run { |_| [ get("/a", { q: 1 }), delete("/b", { q: 2 }), put("/c", {}), patch("/d", {}), post("/e") ] && {} }
      expect(@server.seen.map { |seen| [ seen.verb, seen.path ] }).to eq([ %w[GET /a?q=1], %w[DELETE /b?q=2], %w[PUT /c], %w[PATCH /d], %w[POST /e] ])
    end

    it "can be changed in a subclass" do
      step = run_step(Class.new(handler { |_| get("/x").body }) { def connection = super.tap { |http| http.headers["X-Own"] = "1" } })
      expect(step).to be_success
      expect(request.headers).to include("x-own" => "1")
    end

    it "carry credentials: bearer, basic or an API key, from the class or the template" do
      run(auth: { type: "bearer", token: "t" })
      expect(request.headers["authorization"]).to eq("Bearer t")
      run(config: { auth: { "type" => "basic", "username" => "u", "password" => "p" } })
      expect(request.headers["authorization"]).to eq("Basic #{[ "u:p" ].pack("m0")}")
      run(auth: { type: "api_key", api_key: "k" })
      expect(request.headers["x-api-key"]).to eq("k")
      run(auth: { type: "api_key", api_key: "k", api_key_header: "X-Other" })
      expect(request.headers["x-other"]).to eq("k")
    end

    it "are not sent with credentials that mean nothing" do
      expect(run(auth: { type: "digest" })).to have_attributes(retryable?: false, error: /auth.type must be bearer, basic or api_key, not "digest"/)
      expect(run(auth: { type: "bearer" })).to have_attributes(retryable?: false, error: /auth of type bearer needs a token/)
      expect(@server.seen).to be_empty
    end
  end

  describe "answers" do
    it "fail for good with 4xx, and are tried again with 408, 425, 429 and 5xx" do
      expect([ 400, 401, 403, 404, 409, 410, 422 ].map { |status| answering(status) }).to all(have_attributes(retryable?: false, error_type: "permanent_error"))
      expect([ 408, 425, 429, 500, 502, 503, 504 ].map { |status| answering(status) }).to all(have_attributes(retryable?: true, error_type: "retryable_error"))
    end

    it "store the status, and name the call without its query, where secrets are" do
      step = run_step(handler { |_| get("/rates", { key: "secret" }) }.tap { serve { [ 404, {}, "" ] } }.tap { |type| type.url = @server.url })
      expect(step.outcome).to have_attributes(message: "GET #{@server.url}/rates answered 404", error_code: "HTTP_404", status_code: 404)
    end

    it "say when to come back, in seconds or as a date" do
      expect(answering(429, { "Retry-After" => "17" }).retry_after).to eq(17.0)
      expect(answering(503, { "Retry-After" => (Time.now + 60).httpdate }).retry_after).to be_within(5).of(60)
      expect(answering(503, { "Retry-After" => "soon" }).retry_after).to be_nil
      expect(answering(500).retry_after).to be_nil
    end

    it "that are not JSON although they say so fail for good" do
      expect(answering(200, {}, "<html>")).to have_attributes(retryable?: false, error: /answered with something that is not JSON/)
    end
  end

  describe "a server that is not there" do
    it "is tried again: no connection, a lost one, no answer in time" do
      url = serve { :hang_up }.url
      expect(run).to have_attributes(retryable?: true, error: /#{url}/)
      gone = handler
      @server.close
      expect(run_step(gone)).to have_attributes(retryable?: true, error: /#{url}.*refused/)
      release = Thread::Queue.new
      serve { release.pop && [ 200, {}, {} ] }
      step = run(config: { timeout: 0.05 })
      release << true
      expect(step).to have_attributes(retryable?: true, error: /timeout|Timeout/)
    end

    it "does not speak TLS: trying again does not help" do
      plain = TCPServer.new("127.0.0.1", 0)
      Thread.new { plain.accept.tap { |client| client.write("no TLS here\r\n" * 10) }.close }
      step = run_step(handler { |_| get("/") }.tap { |type| type.url = "https://127.0.0.1:#{plain.addr[1]}" })
      plain.close
      expect(step).to have_attributes(retryable?: false, error: /SSL|wrong version/i)
    end
  end

  it "says that the URL is missing" do
    expect(run).to have_attributes(retryable?: false, error: /url is missing: set it in the class or in handler.initialization/)
  end
end
