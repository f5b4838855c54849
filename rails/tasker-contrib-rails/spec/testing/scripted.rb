# frozen_string_literal: true

require "yaml"

# The workflow cases that all languages share, and handlers that do what a case says.
module Scripted
  FOLDER = File.expand_path("../../../../xtask/contract/workflow-cases", __dir__)

  module_function

  def cases = Dir[File.join(FOLDER, "*.yaml")].sort.to_h { |path| [ File.basename(path, ".yaml"), YAML.safe_load_file(path) ] }

  # @return [#call] does on each attempt what the script says, without state of its own
  def handler(script)
    lambda do |context|
      behaviours = script
      behaviours = script.fetch(context.step_inputs.dig("cursor", "batch_id")) { script.fetch("*") } if script.is_a?(Hash)
      act(behaviours[[ context.retry_count, behaviours.size - 1 ].min], context)
    end
  end

  def act(behaviour, context)
    if (fail = behaviour["fail"])
      raise (fail["retryable"] ? TaskerContribRails::RetryableError : TaskerContribRails::PermanentError), fail["message"]
    end

    cursor = Array(behaviour["checkpoints"]).find { |position| (context.checkpoint_cursor || 0) < position }
    return TaskerContribRails::Outcome::Checkpoint.new(cursor:, items_processed: cursor, accumulated_results: {}) if cursor
    return { decision_point_outcome: { type: "create_steps", step_names: behaviour["route"] } } if behaviour["route"]
    return { decision_point_outcome: { type: "no_branches" } } if behaviour["skip"]
    return { batch_processing_outcome: batches(behaviour) } if behaviour["batches"]
    return report(context) if behaviour["report"]

    behaviour["result"]
  end

  def batches(behaviour)
    return { type: "no_batches" } if behaviour["batches"].empty?

    cursors = behaviour["batches"].each.with_index(1).map do |(first, last), number|
      { batch_id: format("%03d", number), start_cursor: first, end_cursor: last, batch_size: last - first }
    end
    { type: "create_batches", worker_template_name: behaviour["worker"], worker_count: cursors.size, cursor_configs: cursors, total_items: cursors.last[:end_cursor] }
  end

  def report(context)
    cursor = context.step_inputs["cursor"] || {}
    { context: context.context, config: context.step_config, attempts: context.retry_count, max_attempts: context.max_retries,
      dependencies: context.dependency_results.keys.sort.to_h { |name| [ name, context.get_dependency_result(name) ] },
      range: cursor.values_at("start_cursor", "end_cursor"), is_no_op: context.step_inputs["is_no_op"] || false }
  end
end
