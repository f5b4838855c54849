# frozen_string_literal: true

RSpec.describe "Signing in", :database, type: :request do
  def try(email, password) = submit(session_path, { email:, password: })

  it "opens the API" do
    person("ann")
    try("Ann@Example.org ", People::PASSWORD)
    expect([ status, answer ]).to match([ 200, { "email" => "ann@example.org", "is_reviewer" => false, "csrf_token" => be_present } ])
    get documents_path
    expect(status).to eq(200)
    delete session_path, headers: { "X-CSRF-Token" => answer_of_session["csrf_token"] }
    expect(status).to eq(204)
    get documents_path
    expect([ status, answer ]).to eq([ 401, { "detail" => "sign in first" } ])
  end

  def answer_of_session = get(session_path).then { answer }

  it "does not tell what is wrong" do
    person("ann")
    [ [ "ann@example.org", "wrong" ], [ "nobody@example.org", People::PASSWORD ], [ "", "" ], [ { a: 1 }, [ "b" ] ] ].each do |email, password|
      try(email, password)
      expect([ status, answer ]).to eq([ 401, { "detail" => "wrong e-mail address or password" } ])
    end
  end

  it "starts another session, which nobody can have planted" do
    person("ann")
    planted = answer_of_session["csrf_token"]
    sign_in("ann")
    delete session_path, headers: { "X-CSRF-Token" => planted }
    expect(status).to eq(422)
  end

  it "slows down guessing" do
    statuses = Array.new(5) { try("ann@example.org", "wrong").then { status } }
    expect(statuses).to eq([ 401 ] * 4 + [ 429 ])
    expect(response.headers["Retry-After"]).to eq("60")
    expect(answer).to eq("detail" => "more than 4/minute: try again in 60 s")
  end

  it "ends with the time that the settings give it" do
    sign_in("ann")
    travel_to(29.minutes.from_now) { expect(get(documents_path)).to eq(200) }
    travel_to(61.minutes.from_now) { expect(get(documents_path)).to eq(401) }
  end

  it "needs the token of the session" do
    sign_in("ann")
    post session_path, params: { email: "ann@example.org", password: People::PASSWORD }
    expect([ status, answer ]).to match([ 422, { "detail" => /X-CSRF-Token is missing/ } ])
  end
end
