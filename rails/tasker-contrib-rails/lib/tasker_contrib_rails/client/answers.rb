# frozen_string_literal: true

require "time"

module TaskerContribRails
  class Client
    # States that a task does not leave by itself.
    END_STATES = %w[complete error cancelled resolved_manually blocked_by_failures].freeze

    # What the server says, with readers for the fields that matter; +to_h+ has everything.
    class Answer
      # @param fields [Hash] with String keys
      def initialize(fields)
        @fields = fields.freeze
      end

      # @return [Hash{String => Object}] all fields
      def to_h = @fields

      # @return [Object] any field
      def [](name) = @fields[name.to_s]

      # @return [Boolean] whether another answer says the same
      def ==(other) = other.class == self.class && other.to_h == to_h
      alias eql? ==
      # @return [Integer] for use as a key
      def hash = @fields.hash

      # @return [Hash{String => Object}] all fields
      def as_json(*) = @fields

      class << self
        private

        def fields(*names)
          names.each { |name| define_method(name) { @fields[name.to_s] } }
        end

        def times(*names)
          names.each do |name|
            define_method(name) { (text = @fields[name.to_s]) && Time.iso8601(text.match?(/(Z|[+-]\d\d:\d\d)\z/) ? text : "#{text}Z") }
          end
        end
      end
    end

    # A task as the server describes it.
    class Task < Answer
      fields :task_uuid, :name, :namespace, :version, :status, :context, :correlation_id, :priority, :tags,
             :total_steps, :completed_steps, :failed_steps, :in_progress_steps, :execution_status, :completion_percentage
      times :created_at, :completed_at

      # @return [Boolean] whether nothing more happens by itself
      def ended? = END_STATES.include?(status) || status == "completed"

      # @return [Boolean] whether all steps are complete; lists of tasks say "completed"
      def succeeded? = %w[complete completed].include?(status)

      # @return [Boolean] whether it ended in another way
      def failed? = ended? && !succeeded?

      # @return [String] for URLs
      def to_param = task_uuid

      # @return [String] template, UUID and state
      def to_s = "#{namespace}/#{name} #{version} #{task_uuid} #{status}"

      # @return [String]
      def inspect = "#<#{self.class} #{self}>"
    end

    # A step of a task as the server describes it.
    class Step < Answer
      fields :step_uuid, :task_uuid, :name, :current_state, :attempts, :max_attempts, :results
      times :created_at, :completed_at, :last_attempted_at

      # @return [Object, nil] the handler's result
      def result = results && results["result"]

      # @return [Hash, nil] message, error_type, retryable … of the last failure
      def error = results && results["error"]

      # @return [String]
      def inspect = "#<#{self.class} #{name} #{current_state}>"
    end

    # One page of a list of tasks.
    Page = Data.define(:tasks, :page, :per_page, :total, :has_next) do
      include Enumerable

      def each(&) = tasks.each(&)
    end
  end
end
