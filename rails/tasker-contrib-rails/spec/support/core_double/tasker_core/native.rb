# frozen_string_literal: true

require "fiddle"
require "securerandom"

module TaskerCore
  # The remote control of the double: what the server and the native library would do.
  module Native
    HANG = 3600
    SLEEP = Fiddle::Function.new(Fiddle.dlopen(nil)["usleep"], [ Fiddle::TYPE_LONG ], Fiddle::TYPE_INT, need_gvl: true)

    @lock = Mutex.new
    class << self
      attr_accessor :boot_error, :stop_seconds, :config_seen
      attr_reader :completions, :checkpoints, :boots, :pid

      def reset!
        @steps = Thread::Queue.new
        @pending = {}
        @completions = []
        @checkpoints = []
        @domain_events = Thread::Queue.new
        @boots = 0
        @pid = nil
        @running = false
        @claiming = false
        @boot_error = nil
        @stop_seconds = 0.01
        @config_seen = nil
      end

      # Native calls do not release the interpreter.
      def hold(seconds) = SLEEP.call((seconds * 1_000_000).to_i)

      # The threads of the native library are not there after a fork: a call hangs.
      def alive!
        return if @pid.nil? || @pid == Process.pid

        journal("hang", {})
        sleep(HANG)
      end

      def boot
        journal("boot", path: ENV["TASKER_CONFIG_PATH"], templates: ENV["TASKER_TEMPLATE_PATH"])
        return { "handle_id" => "h", "status" => "already_running", "message" => "" } if @running
        raise boot_error if boot_error

        @config_seen = File.read(ENV.fetch("TASKER_CONFIG_PATH"))
        @boots += 1
        @pid = Process.pid
        @running = @claiming = true
        load_steps
        { "handle_id" => "h#{@boots}", "status" => "started", "message" => "started", "worker_id" => "worker-#{@boots}" }
      end

      # Steps for a process that is watched from outside.
      def load_steps
        path = ENV["TASKER_DOUBLE_STEPS"]
        JSON.parse(File.read(path), symbolize_names: true).each { |step| deliver(**step) } if path
      end

      def running? = @running

      # A worker that stops claiming still has what it claimed before.
      def stop_claiming
        alive!
        @claiming = false
        hold(stop_seconds)
        journal("stop_claiming", {})
      end

      def stop
        alive!
        @running = false
        journal("stop", pending: @pending.size)
      end

      # @return [String] the event's id
      def deliver(callable: "X", step: "step", context: {}, results: {}, attempts: 0, max_attempts: 3, initialization: {}, inputs: {}, retry_table: nil,
                  namespace: "shop", task: "order", version: "1.0.0", timeout_seconds: nil, checkpoint: nil)
        event = SecureRandom.uuid
        task_uuid, step_uuid = SecureRandom.uuid, SecureRandom.uuid
        @steps << {
          "event_id" => event, "task_uuid" => task_uuid, "step_uuid" => step_uuid, "correlation_id" => SecureRandom.uuid,
          "task_sequence_step" => {
            "task" => { "task" => { "task_uuid" => task_uuid, "context" => context }, "task_name" => task, "namespace_name" => namespace, "task_version" => version },
            "workflow_step" => { "workflow_step_uuid" => step_uuid, "name" => step, "attempts" => attempts, "max_attempts" => max_attempts,
                                 "retryable" => true, "inputs" => inputs, "checkpoint" => checkpoint },
            "dependency_results" => results.transform_values { |value| { "result" => value } },
            "step_definition" => { "name" => step, "handler" => { "callable" => callable, "initialization" => initialization },
                                   "retry" => retry_table, "timeout_seconds" => timeout_seconds }
          }
        }
        event
      end

      def poll
        alive!
        return unless @running

        step = @steps.pop(true)
        @lock.synchronize { @pending[step["event_id"]] = step }
        journal("claim", step: step.dig("task_sequence_step", "workflow_step", "name"))
        step
      rescue ThreadError
        nil
      end

      def complete(event, payload)
        alive!
        step = @lock.synchronize { @pending.delete(event) }
        journal("complete", step: step&.dig("task_sequence_step", "workflow_step", "name"), known: !step.nil?, success: payload["success"], error: payload["error"])
        return false unless step && @running

        JsonOnly.check(payload)
        @completions << payload
        true
      end

      def checkpoint(event, payload)
        step = @lock.synchronize { @pending.delete(event) }
        return false unless step && @running

        @checkpoints << payload
        again = step.deep_dup
        again["event_id"] = SecureRandom.uuid
        again["task_sequence_step"]["workflow_step"]["checkpoint"] = payload.slice("cursor", "items_processed", "accumulated_results")
        @steps << again
        true
      end

      def pending = @lock.synchronize { @pending.size }

      def publish(event) = @domain_events << event

      def domain_events = Array.new(@domain_events.size) { @domain_events.pop }

      # For tests of whole processes: one JSON object a line.
      def journal(event, details)
        path = ENV["TASKER_DOUBLE_JOURNAL"] or return

        File.open(path, "a") { |file| file.puts(JSON.generate({ event:, pid: Process.pid, **details })) }
      end
    end
    reset!
  end
end
