# frozen_string_literal: true

require "rake"

RSpec.describe "bin/rails users:add", :database do
  before(:context) { Rails.application.load_tasks unless Rake::Task.task_defined?("users:add") }
  after { $stdin = STDIN }

  def add(email, password, reviewer: nil)
    $stdin = StringIO.new("#{password}\n")
    stub_const("ENV", ENV.to_h.merge("EMAIL" => email, "REVIEWER" => reviewer))
    Rake::Task["users:add"].tap(&:reenable).invoke
  end

  it "adds somebody who can sign in" do
    expect { add("Rita@Example.org", People::PASSWORD, reviewer: "1") }.to output("added rita@example.org\n").to_stdout
    expect(User.authenticate_by(email: "rita@example.org", password: People::PASSWORD)).to be_is_reviewer
  end

  it "says in one line what is wrong" do
    person("ann")
    { [ "ann@example.org", People::PASSWORD ] => /Email has already been taken/, [ "bob@example.org", "short" ] => /Password is too short/,
      [ "bob", People::PASSWORD ] => /Email is invalid/, [ nil, People::PASSWORD ] => /Email can't be blank/ }.each do |arguments, why|
      expect { add(*arguments) }.to raise_error(SystemExit).and output(/\Aerror: #{why}[^\n]*\n\z/).to_stderr
    end
  end
end
