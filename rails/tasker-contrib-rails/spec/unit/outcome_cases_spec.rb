# frozen_string_literal: true

require "json"

# The outcome cases that all languages share, as handlers of a worker on the double.
module OutcomeCases
  FILE = JSON.parse(File.read(File.expand_path("../../../../xtask/contract/outcome-cases/cases.json", __dir__)))

  # Outside of StandardError, as some libraries' timeouts are.
  OutsideError = Class.new(SecurityError)

  # The worst that Ruby can raise, or leave a handler by.
  STRANGE = {
    "an Exception" => -> { raise OutsideError, "odd" }, "exit" => -> { exit(3) }, "abort" => -> { raise SystemExit }, "an interrupt" => -> { raise Interrupt },
    "an endless recursion" => -> { (deep = -> { deep.call }).call }, "no memory" => -> { raise NoMemoryError }, "a syntax error" => -> { eval("1 +") },
    "an uncaught throw" => -> { throw :nobody }, "a throw that the pool catches" => -> { throw :stop }, "a thread that ends" => -> { Thread.exit },
    "a BasicObject" => -> { raise BasicObject.new }, "a frozen error" => -> { raise RuntimeError.new("x").freeze }
  }.freeze

  module_function

  def call(does)
    return value(does["return"], does) if does["return"]
    return TaskerContribRails::Outcome::Checkpoint.new(items_processed: 1, **checkpoint(does["checkpoint"])) if does["checkpoint"]

    raise error(does)
  end

  def value(kind, does = {})
    case kind
    when "json" then does["value"]
    when "nul_value" then { rows: [ { name: "a\0b" } ] }
    when "nul_key" then { rows: [ { "na\0me" => 1 } ] }
    when "deep_objects" then (does["levels"] - 1).times.inject({}) { |inner, _| { "a" => inner } }
    when "deep_lists" then { "a" => (does["levels"] - 2).times.inject([]) { |inner, _| [ inner ] } }
    when "cyclic" then {}.tap { |hash| hash[:self] = { again: hash } }
    when "not_a_number" then { n: Float::NAN }
    when "infinity" then { n: Float::INFINITY }
    when "bytes" then { data: "\xFF\xFE".b }
    when "integer" then { n: Integer(does["value"]) }
    when "lone_surrogate" then { text: "\xED\xA0\x80" }
    when "unserialisable" then { at: Object.new.tap { |object| object.define_singleton_method(:as_json) { |*| raise NotImplementedError, "never" } } }
    else raise ArgumentError, kind
    end
  end

  def checkpoint(kind)
    return { cursor: "a\0b" } if kind == "nul"

    { cursor: 1, accumulated_results: kind == "deep" ? value("deep_lists", "levels" => 500) : value(kind) }
  end

  DELAYS = { "not_a_number" => Float::NAN, "infinity" => Float::INFINITY, "text" => "soon" }.freeze
  METADATA = { "nul" => "nul_value", "deep" => "deep_objects" }.freeze

  def error(does)
    options = { error_code: does["code"] }.compact
    options[:context] = value(METADATA.fetch(does["metadata"], does["metadata"]), "levels" => 500) if does["metadata"]
    options[:retry_after] = DELAYS.fetch(does["delay"], does["delay"]) if does.key?("delay")
    types = { "plain" => RuntimeError, "permanent" => TaskerContribRails::PermanentError, "retryable" => TaskerContribRails::RetryableError }
    made = options.empty? ? types[does["raise"]].new(does["message"]) : types[does["raise"]].new(does["message"], **options)
    return made unless does["unreadable"]

    made.tap { |error| %i[message to_s backtrace error_code context].each { |name| error.define_singleton_method(name) { |*| raise NoMemoryError, "unreadable" } } }
  end
end

RSpec.describe "Outcome cases", :worker do
  def run_case(&call)
    seen = events(/\Astep_(completed|failed|checkpointed)\.tasker\z/) { @payload = run(retry_table: OutcomeCases::FILE["retry"], &call) }
    expect(texts(@payload)).to all(be_valid_encoding & not_include("\0"))
    # Each outcome is told once: apps make their metrics of it.
    eventually { seen.size == 1 }
    [ @payload, seen.first ]
  end

  def texts(value)
    case value
    when Hash then value.flat_map { |key, inner| texts(key) + texts(inner) }
    when Array then value.flat_map { |inner| texts(inner) }
    else [ value.to_s ]
    end
  end

  def problems(payload, expected)
    error = payload["error"] || {}
    seen = { "outcome" => payload["success"] ? "completed" : "failed", "error_type" => error["error_type"], "retryable" => error["retryable"],
             "code" => error.dig("context", "error_code"), "result" => payload["result"],
             "delay" => payload.dig("orchestration_metadata", "headers", "retry-after").to_i }
    wrong = expected.except("message", "either").reject { |key, value| seen[key] == value }
    wrong["message"] = expected["message"] unless Array(expected["message"]).all? { |part| error["message"].to_s.include?(part) }
    wrong.empty? ? nil : "expected #{wrong}, got #{seen.slice(*wrong.keys)}: #{error["message"]}"
  end

  OutcomeCases::FILE["cases"].reject { |row| row["does"]["raise"] == "not_an_error" }.each do |row|
    it row["name"] do
      payload, event = run_case { |_| OutcomeCases.call(row["does"]) }
      allowed = row["expect"]["either"] || [ row["expect"] ]
      found = allowed.map { |expected| problems(payload, expected) }
      expect(found).to include(nil), found.join("\nor ")
      expect(event.name).to eq(payload["success"] ? "step_completed.tasker" : "step_failed.tasker")
    end
  end

  OutcomeCases::STRANGE.each do |name, act|
    it "what is not an error: #{name}" do
      payload, = run_case { |_| act.call }
      expect(payload["error"]).to include("error_type" => "handler_error", "message" => be_present)
    end
  end

  it "has the limits of the cases" do
    expect([ TaskerContribRails::Storable::LEVELS, TaskerContribRails::Backoff::LONGEST_SECONDS ]).to eq(OutcomeCases::FILE.values_at("deepest", "longest_delay"))
  end

  it "answers when the app's executor or a subscriber raises what is no StandardError" do
    broken = ActiveSupport::Notifications.subscribe("step_started.tasker") { raise NotImplementedError, "subscriber" }
    expect(run { |_| {} }).to include("success" => true)
    ActiveSupport::Notifications.unsubscribe(broken)
    wrap = Object.new
    wrap.define_singleton_method(:wrap) { |&_| raise NoMemoryError, "executor" }
    stub_const("Rails", Module.new { define_singleton_method(:application) { Struct.new(:reloader).new(wrap) } })
    expect(answer(callable: "H")["error"]).to include("message" => "NoMemoryError: executor")
  end
end
