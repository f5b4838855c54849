# frozen_string_literal: true

# What needs no database.
RSpec.describe "Requests", type: :request do
  id = "7d6e5a0c-0000-4000-8000-000000000000"

  [ [ :get, "/documents" ], [ :post, "/documents" ], [ :get, "/documents/#{id}" ], [ :post, "/documents/#{id}/review" ] ].each do |verb, path|
    it "of strangers are refused: #{verb} #{path}" do
      public_send(verb, path)
      expect([ status, answer ]).to eq([ 401, { "detail" => "sign in first" } ])
    end
  end

  it "have security headers in every answer" do
    expected = RequestContext::SECURITY_HEADERS.merge("content-security-policy" => "default-src 'none'; frame-ancestors 'none'")
    %w[/tasker/live /documents /nowhere].each do |path|
      get path
      expect(response.headers.to_h.transform_keys(&:downcase)).to include(expected), path
    end
  end

  it "keep their id if it is a UUID" do
    get "/tasker/live", headers: { "X-Request-ID" => id }
    expect(response.headers["X-Request-ID"]).to eq(id)
    get "/tasker/live", headers: { "X-Request-ID" => "<script>" }
    expect(response.headers["X-Request-ID"]).to match(RequestContext::UUID)
  end

  it "come from no other origin" do
    get "/tasker/live", headers: { "Origin" => "https://example.org" }
    expect(response.headers.to_h.keys.map(&:downcase).grep(/access-control/)).to be_empty
  end

  it "are one line each, with the route in place of the path" do
    lines = StringIO.new
    allow(Rails).to receive(:logger).and_return(JsonLog.logger(lines))
    get "/documents/#{id}", headers: { "X-Request-ID" => id }
    line = JSON.parse(lines.string.lines.last)
    expect(line).to include("message" => "GET /documents/:id", "status" => 401, "request_id" => id, "level" => "INFO", "duration_ms" => be_a(Float))
    expect(lines.string.lines.grep(/"GET /).size).to eq(1)
  end
end
