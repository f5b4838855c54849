# frozen_string_literal: true

RSpec.describe "A child forked from a process with a worker", :worker do
  before do
    template(steps: [ { "name" => "step", "handler" => { "callable" => "Echo" } } ])
    handler("Echo") { |context| { "got" => context.get_input(:n) } }
  end

  def in_child
    reader, writer = IO.pipe
    pid = fork do
      reader.close
      runtime.after_fork
      writer.write(begin
        yield.inspect
      rescue StandardError => error
        "#{error.class}: #{error.message}"
      end)
      writer.close
      exit!(0)
    end
    writer.close
    reader.wait_readable(5) || Process.kill("KILL", pid)
    reader.read
  ensure
    Process.wait(pid)
  end

  it "is told by a hook on every fork, and then creates tasks only" do
    allow(TaskerContribRails).to receive(:runtime).and_return(runtime)
    start
    reader, writer = IO.pipe
    pid = fork do
      decision = TaskerContribRails::Mode.decide("worker", TaskerContribRails::ProcessFacts.of(runtime, settings, root:, command: true))
      writer.write([ runtime.forked_from == Process.ppid, decision.to_s ].inspect)
      exit!(0)
    end
    writer.close
    Process.wait(pid)
    expect(reader.read).to eq([ true, "client: forked from process #{Process.pid}, which runs a worker" ].inspect)
  end

  it "never uses the parent's worker" do
    start
    expect(in_child { [ runtime.running?, runtime.stop, runtime.forked_from == Process.ppid ] }).to eq("[false, nil, true]")
    expect(in_child { start }).to match(/WorkerError: process \d+ has the worker, and this process was forked from it; start the worker after the fork/)
    expect(runtime).to be_running
  end

  it "starts a worker of its own when the parent has none" do
    expect(in_child { start.running? }).to eq("true")
  end

  it "ends, although Core registered an exit handler that hangs" do
    script = <<~RUBY
      require "tasker_contrib_rails"
      require "pathname"
      class Echo < TaskerContribRails::StepHandler
        def call(_context) = {}
      end
      settings = TaskerContribRails::Configuration.new.resolve(environment: { "DATABASE_URL" => ARGV[1] })
      TaskerContribRails.runtime.start!(settings:, root: Pathname(ARGV[0]), environment: "test")
      pid = fork { exit(0) }
      _, status = Process.wait2(pid)
      $stdout.syswrite("\#{status.exitstatus}\n")
      exit!(0)
    RUBY
    command = [ RbConfig.ruby, "-I#{$LOAD_PATH.grep(/core_double/).first}", "-I#{File.expand_path("../../lib", __dir__)}", "-e", script, root.to_s, WorkerHelpers.database_url ]
    out, = Timeout.timeout(60) { Open3.capture2e(*command) }
    expect(out).to eq("0\n")
  end
end
