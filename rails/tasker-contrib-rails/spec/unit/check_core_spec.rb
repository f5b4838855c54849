# frozen_string_literal: true

require_relative "../../script/core_comparison"

# A checkout of Core is not here; its part is played by the double's own sources, changed in one place.
RSpec.describe CoreComparison do
  around do |example|
    Dir.mktmpdir do |folder|
      @checkout = folder
      FileUtils.cp_r(described_class::DOUBLE, File.join(folder, "lib"))
      example.run
    end
  end

  def problems = described_class.new(CoreSources.new(@checkout)).problems

  # What is new after a change of one of Core's files.
  def after_changing(file, from, to)
    before = problems
    path = File.join(@checkout, "lib/tasker_core/#{file}.rb")
    text = File.read(path)
    expect(text).to include(from)
    File.write(path, text.sub(from, to))
    problems - before
  end

  it "finds nothing where nothing differs, but for what the double makes in another way than with classes and methods" do
    different = problems.reject { |problem| problem.include?("on which this gem relies") }
    expect(different.map { |problem| problem[/TaskerCore\S+/] }).to all(match(/FFI\.log_|Tracing|StepHandlerCallResult::|HandlerDefinition|subscribe\z|lacks/))
  end

  it "sees another number of parameters, and says where both are" do
    expect(after_changing("subscriber", "def publish_step_completion(completion_data)", "def publish_step_completion(completion_data, more)")).to contain_exactly(
      match(%r{\Aspec/support/core_double/tasker_core/subscriber.rb:\d+: TaskerCore::Worker::EventBridge#publish_step_completion takes \(x\), in Core \(x, x\) \(lib/tasker_core/subscriber.rb:\d+\)\z}))
    expect(after_changing("errors", "retry_after: nil, context: {}", "retry_in: nil, context: {}")).to contain_exactly(/RetryableError#initialize takes \(x, context: \?, retry_after: \?\), in Core \(x, context: \?, retry_in: \?\)/)
  end

  it "sees methods and classes that are gone, hidden or of another family" do
    expect(after_changing("bootstrap", "def on_shutdown", "def at_shutdown")).to contain_exactly(/Core has no TaskerCore::Worker::Bootstrap#on_shutdown/)
    expect(after_changing("bootstrap", "def running?", "private def running_now?")).to contain_exactly(/Core has no TaskerCore::Worker::Bootstrap#running\?/, /running\? of Core|no TaskerCore::Worker::Bootstrap#running\?, on which/)
    expect(after_changing("domain_events", "class SubscriberRegistry", "class Subscribers")).to include(/Core has no TaskerCore::DomainEvents::SubscriberRegistry/)
    expect(after_changing("errors", "class NetworkError < ProceduralError", "class NetworkError < Error")).to contain_exactly(/NetworkError descends from TaskerCore::Errors::ProceduralError, in Core from TaskerCore::Errors::Error/)
  end

  it "sees that a method that the gem takes over is gone, and words that the gem relies on" do
    expect(after_changing("bootstrap", "def register_shutdown_handlers!", "def set_traps!")).to include(/no TaskerCore::Worker::Bootstrap#register_shutdown_handlers! to take over/)
    expect(after_changing("bootstrap", "return if @status == :stopped", "return if @stopped")).to contain_exactly(/Bootstrap#shutdown! of Core does not have `return if @status == :stopped` any more/)
  end

  it "sees another version, and native functions with another number of arguments" do
    File.write(File.join(@checkout, "lib/tasker_core.rb"), "module TaskerCore\n  VERSION = '0.2.0'\nend\n")
    FileUtils.mkdir_p(File.join(@checkout, "ext"))
    File.write(File.join(@checkout, "ext/bridge.rs"), "module.define_singleton_method(\n  \"complete_step_event\",\n  function!(complete_step_event, 3),\n)?;\n")
    expect(problems).to include(/VERSION is 0.1.10, Core's is 0.2.0/, %r{FFI.complete_step_event takes \(x, x\), in Core \(x, x, x\) \(ext/bridge.rs:1\)})
  end

  it "is a program that ends with 1 and the differences, or says how to use it" do
    script = File.expand_path("../../script/check_core", __dir__)
    output, status = Open3.capture2e(script, @checkout)
    expect([ status.exitstatus, output ]).to match([ 1, /\Athe double and Core differ: / ])
    expect(Open3.capture2e(script).then { |text, result| [ result.exitstatus, text ] }).to match([ 2, /\Ausage: script\/check_core FOLDER/ ])
  end
end
