# frozen_string_literal: true

require_relative "step_handler"

module TaskerContribRails
  # Says how much there is to do; Core makes one worker step for each range.
  #
  # @example
  #   class Import::AnalyzeHandler < Tasker::BatchAnalyzer
  #     def call(context) = batches(total_items: Row.count, batch_size: 500, worker: "import_rows")
  #   end
  class BatchAnalyzer < StepHandler
    private

    # @param total_items [Integer] 0 or more; without any the placeholder of Core runs
    # @param batch_size [Integer] 1 or more
    # @param worker [String] the step of type batch_worker
    def batches(total_items:, batch_size:, worker:, **details)
      raise ArgumentError, "batch_size must be 1 or more, not #{batch_size}" unless batch_size.positive?
      return no_batches("there is nothing to do", **details) if total_items.zero?

      cursors = (0...total_items).step(batch_size).with_index(1).map do |first, number|
        last = [ first + batch_size, total_items ].min
        { batch_id: format("%03d", number), start_cursor: first, end_cursor: last, batch_size: last - first }
      end
      details.merge(batch_processing_outcome: { type: "create_batches", worker_template_name: worker.to_s, worker_count: cursors.size,
                                                cursor_configs: cursors, total_items: })
    end

    # Nothing to do. Core still makes one worker, a placeholder, and the steps after the batches.
    def no_batches(reason, **details)
      details.merge(reason:, batch_processing_outcome: { type: "no_batches" })
    end
  end

  # The part of a batch that one worker has: from +start+ up to, not including, +finish+. +cursor+ is where to go on after a checkpoint.
  BatchRange = Data.define(:id, :start, :finish, :cursor) do
    def size = finish - start
  end

  # Processes one range of a batch. It is not called for Core's placeholder.
  #
  # @example
  #   class Import::RowsHandler < Tasker::BatchWorker
  #     def call(context)
  #       rows = Row.order(:id).offset(batch.start).limit(batch.size)
  #       { imported: rows.each(&:import!).size }
  #     end
  #   end
  class BatchWorker < StepHandler
    # @return [BatchRange]
    attr_reader :batch

    # @api private
    def perform(context)
      return { no_op: true, items_processed: 0 } if context.step_inputs["is_no_op"]

      range = context.step_inputs["cursor"]
      raise PermanentError, "this step has no range: #{self.class} is for steps of type batch_worker" unless range

      @batch = BatchRange.new(id: range["batch_id"], start: range["start_cursor"], finish: range["end_cursor"], cursor: context.checkpoint_cursor || range["start_cursor"])
      call(context)
    end
  end

  # Results of batch workers, for the step after them.
  module BatchResults
    module_function

    # @param context [TaskerCore::Types::StepContext]
    # @param worker [String] the step of type batch_worker
    # @return [Array<Hash>] what its instances returned, in their order, without the placeholder
    def of(context, worker)
      # By number: from 1,000 batches on they have one digit more.
      names = context.dependency_results.keys.grep(/\A#{Regexp.escape(worker.to_s)}_\d+\z/).sort_by { |name| name[/\d+\z/].to_i }
      names.map { |name| context.get_dependency_result(name) }.reject { |result| result.is_a?(Hash) && result["no_op"] }
    end
  end
end
