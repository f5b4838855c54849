# frozen_string_literal: true

require "socket"
require "stringio"
require "tmpdir"

$LOAD_PATH.unshift(File.join(__dir__, "core_double"))

# A worker on the double of tasker_core, in a temporary app folder. Examples tagged `:worker` get one.
module WorkerHelpers
  PLAIN = { "namespace_name" => "shop", "version" => "1.0.0" }.freeze

  # Something listens there, and that is all that is looked at.
  def self.database_url
    @database ||= TCPServer.new("127.0.0.1", 0)
    "postgresql://a:b@127.0.0.1:#{@database.addr[1]}/tasker"
  end

  attr_reader :root, :log

  def native = TaskerCore::Native

  def template(name = "order", steps:)
    path = root.join("config/tasks/#{name}.yaml")
    path.dirname.mkpath
    path.write(PLAIN.merge("name" => name, "steps" => steps).to_yaml)
  end

  def steps(*rows) = template(steps: rows.map { |name, callable, more| { "name" => name, "handler" => { "callable" => callable } }.merge(more || {}) })

  # The answer of a worker whose only template has one step.
  def run(callable = "H", start_with: {}, **step, &call)
    handler(callable, &call) if call
    steps([ "step", callable ])
    start(**start_with)
    answer(callable:, **step)
  end

  # A handler class for the length of an example.
  def handler(name, base = TaskerContribRails::StepHandler, &call)
    stub_const(name, Class.new(base) { define_method(:call, &call) })
  end

  def settings(**values)
    configuration = TaskerContribRails::Configuration.new
    values.each do |name, value|
      section, key = name.to_s.split("__")
      key ? configuration.public_send(section).public_send("#{key}=", value) : configuration.public_send("#{section}=", value)
    end
    configuration.resolve(environment: { "DATABASE_URL" => WorkerHelpers.database_url })
  end

  def runtime = @runtime ||= TaskerContribRails::Runtime.new

  def start(**) = runtime.start!(settings: settings(**), root:, environment: "test")

  # What a test waits for did not happen.
  class NotInTime < StandardError; end

  # Waits for a condition; there are no fixed pauses in these tests.
  def eventually(seconds = 30)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + seconds
    until (value = yield)
      raise NotInTime, "it did not happen within #{seconds} s" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

      sleep(0.002)
    end
    value
  end

  # The answer to a delivered step.
  def answer(**step)
    id = native.deliver(**step)
    eventually { native.completions.find { |payload| payload["event_id"] == id } }
  end

  def events(pattern = /\.tasker\z/)
    seen = []
    subscriber = ActiveSupport::Notifications.subscribe(pattern) { |event| seen << event }
    yield
    seen
  ensure
    ActiveSupport::Notifications.unsubscribe(subscriber)
  end

  # The double is one-shot like Core; a new example stands for a new process.
  def self.new_process
    require "tasker_core"
    [ TaskerCore::Worker::Bootstrap, TaskerCore::Worker::EventBridge, TaskerCore::Worker::EventPoller, TaskerCore::Worker::InProcessDomainEventPoller,
      TaskerCore::Registry::HandlerRegistry, TaskerCore::DomainEvents::SubscriberRegistry ].each { |type| Singleton.__init__(type) }
    TaskerContribRails::Worker::CoreHooks.instance_variable_set(:@domain_events, nil)
    TaskerCore::Native.reset!
  end
end

RSpec.configure do |config|
  config.include WorkerHelpers, :worker
  config.around(:each, :worker) do |example|
    environment = ENV.to_h
    Dir.mktmpdir("tasker-app") do |folder|
      @root = Pathname(folder).realpath
      @log = StringIO.new
      TaskerContribRails.logger = ActiveSupport::TaggedLogging.new(Logger.new(@log))
      WorkerHelpers.new_process
      example.run
    ensure
      TaskerCore::Worker::EventPoller.instance.stop!
      TaskerCore::Worker::InProcessDomainEventPoller.instance.stop!
      TaskerContribRails.logger = nil
      ENV.replace(environment)
    end
  end
end
