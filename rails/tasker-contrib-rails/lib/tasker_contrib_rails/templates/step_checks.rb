# frozen_string_literal: true

require_relative "../names"
require_relative "template"

module TaskerContribRails
  module Templates
    # Checks of one step.
    #
    # @api private
    class StepChecks
      KEYS = %w[name description handler type step_type system_dependency dependencies depends_on retry timeout_seconds
                publishes_events batch_config result_schema].freeze
      HANDLER = %w[callable method resolver initialization].freeze
      RETRY = %w[retryable max_attempts backoff backoff_base_ms max_backoff_ms].freeze
      BACKOFFS = %w[none linear exponential fibonacci].freeze
      EVENT = %w[name description schema condition delivery_mode publisher].freeze
      BATCH = %w[batch_size parallelism cursor_field worker_template failure_strategy].freeze

      attr_reader :errors, :warnings

      def initialize(template, step)
        @template = template
        @step = step
        @errors = []
        @warnings = []
        check_shape
        check_handler
        check_dependencies
        check_retry if step.raw.key?("retry")
        Array(step.raw["publishes_events"]).each { |event| check_event(event) }
        check_batch
      end

      private

      attr_reader :template, :step

      def where = "#{template.path}: step '#{step.name}'"
      def error(text) = errors << "#{where}#{text}"

      def check_shape
        unknown("", step.raw, KEYS)
        { "dependencies" => "depends_on", "type" => "step_type" }.each do |one, other|
          error(": has both '#{one}' and '#{other}'; keep one") if step.raw.key?(one) && step.raw.key?(other)
        end
        error(": type '#{step.type}' is not one of #{Step::TYPES.join(", ")}#{Names.did_you_mean(step.type, Step::TYPES)}") unless Step::TYPES.include?(step.type)
        timeout = step.raw["timeout_seconds"]
        error(": timeout_seconds = #{timeout} must be a whole number above 0") unless timeout.nil? || (timeout.is_a?(Integer) && timeout.positive?)
      end

      def check_handler
        return error(": 'handler' with a 'callable' is missing") unless step.raw["handler"].is_a?(Hash)

        unknown(": handler", step.handler, HANDLER)
        error(": handler.callable is missing") if step.callable.strip.empty?
      end

      def check_dependencies
        names = template.steps.map(&:name)
        step.dependencies.each do |dependency|
          if dependency == step.name then error(" depends on itself")
          elsif !names.include?(dependency) then error(" depends on unknown step '#{dependency}'#{Names.did_you_mean(dependency, names)}")
          end
        end
        error(": a decision needs at least one dependency, or Core refuses the template") if step.decision? && step.dependencies.empty?
      end

      def check_retry
        return error(": 'retry' must be a mapping") unless step.raw["retry"].is_a?(Hash)

        unknown(": retry", step.retry_table, RETRY)
        backoff = step.retry_table["backoff"]
        error(": retry.backoff '#{backoff}' is not one of #{BACKOFFS.join(", ")}#{Names.did_you_mean(backoff, BACKOFFS)}") unless backoff.nil? || BACKOFFS.include?(backoff)
        { "max_attempts" => 1..100, "backoff_base_ms" => (0..), "max_backoff_ms" => (0..) }.each do |key, range|
          value = step.retry_table[key]
          error(": retry.#{key} = #{value} must be #{range.end ? "1 to 100" : "0 or more"}") unless value.nil? || (value.is_a?(Integer) && range.cover?(value))
        end
      end

      def check_event(event)
        return error(": publishes_events has an item that is not a mapping") unless event.is_a?(Hash)

        label = ": publishes_events '#{event["name"] || "(no name)"}'"
        unknown(label, event, EVENT)
        %w[name description schema].each { |key| error("#{label}: '#{key}' is missing; Core then refuses the whole file") if event[key].blank? }
        error("#{label}: the name must be lower case words joined by dots") if event["name"].is_a?(String) && !event["name"].match?(/\A[a-z0-9_]+(\.[a-z0-9_]+)+\z/)
      end

      def check_batch
        check_batchable if step.batchable?
        return check_batch_config(step.raw["batch_config"]) if step.raw["batch_config"]

        error(": a batch_worker needs a 'batch_config' of its own; without it Core creates no workers and the task still ends as complete") if step.batch_worker?
      end

      def check_batchable
        worker = step.initialization["worker_template_name"]
        return if template.find(worker.to_s)&.batch_worker?

        error(": handler.initialization.worker_template_name must name the batch_worker step, not #{worker.inspect}: without it a task whose " \
              "analyzer finds nothing ends as complete and leaves out the steps after the batches")
      end

      def check_batch_config(config)
        return error(": 'batch_config' must be a mapping") unless config.is_a?(Hash)

        unknown(": batch_config", config, BATCH)
        missing = BATCH - config.keys
        error(": batch_config lacks #{missing.join(", ")}; Core requires all its keys") if missing.any?
        worker = config["worker_template"].to_s
        error(": batch_config.worker_template '#{worker}' is not a batch_worker step") unless missing.include?("worker_template") || template.find(worker)&.batch_worker?
      end

      def unknown(label, table, known)
        (table.keys.map(&:to_s) - known).each { |key| error("#{label}: unknown key '#{key}', which Core would ignore#{Names.did_you_mean(key, known)}") }
      end
    end
  end
end
