# frozen_string_literal: true

module TaskerContribRails
  module Templates
    # One step of a template, as far as it could be understood.
    #
    # @api private
    class Step
      TYPES = %w[standard decision deferred_convergence batchable batch_worker].freeze

      # @return [Hash] the step as written
      attr_reader :raw

      def initialize(raw)
        @raw = raw
      end

      def name = raw["name"].to_s
      def type = (raw["type"] || raw["step_type"] || "standard").to_s
      def dependencies = Array(raw["dependencies"] || raw["depends_on"]).grep(String)
      def handler = raw["handler"].is_a?(Hash) ? raw["handler"] : {}
      def callable = handler["callable"].to_s
      def initialization = handler["initialization"].is_a?(Hash) ? handler["initialization"] : {}
      def retry_table = raw["retry"].is_a?(Hash) ? raw["retry"] : {}
      def retryable? = retry_table["retryable"] != false
      def max_attempts = retry_table["max_attempts"] || 3
      def batch_config = raw["batch_config"].is_a?(Hash) ? raw["batch_config"] : nil

      TYPES.each { |word| define_method(:"#{word}?") { type == word } }
    end

    # One template: a file, or a hash of the same shape.
    #
    # @api private
    class Template
      # @return [String] the file, for messages
      attr_reader :path
      # @return [Hash] the template as written
      attr_reader :raw
      # @return [Array<Step>] in the order of the file
      attr_reader :steps

      def initialize(path, raw)
        @path = path.to_s
        @raw = raw
        @steps = (raw["steps"].is_a?(Array) ? raw["steps"] : []).grep(Hash).map { |step| Step.new(step) }
      end

      def name = raw["name"].to_s
      def namespace = raw["namespace_name"].to_s
      def version = raw["version"].to_s
      def input_schema = raw["input_schema"].is_a?(Hash) ? raw["input_schema"] : nil

      # @return [Array<String>] what identifies it: namespace, name and version
      def identity = [ namespace, name, version ]

      # @return [Step, nil]
      def find(name) = steps.find { |step| step.name == name }

      # @return [Step]
      def step(name) = find(name) || raise(KeyError, name)

      # The steps that come after some steps.
      #
      # @param names [Array<String>]
      # @param stop_at_decisions [Boolean] what is behind another decision belongs to that one
      # @return [Array<String>]
      def downstream(names, stop_at_decisions: false)
        found = []
        frontier = names.dup
        while (parent = frontier.pop)
          steps.each do |step|
            next if found.include?(step.name) || !step.dependencies.include?(parent)

            found << step.name
            frontier << step.name unless stop_at_decisions && step.decision?
          end
        end
        found
      end
    end
  end
end
