# frozen_string_literal: true

require_relative "../names"

module TaskerContribRails
  module Templates
    # Core refuses what a decision or a batch analyzer asked for: it only logs that, and the task goes on without it.
    #
    # @api private
    class Refused < StandardError; end

    # Which steps Core creates when a decision names some of those below it, and what they wait for.
    #
    # @api private
    class Branches
      # Names of the steps, and edges from a parent to a child.
      Plan = Data.define(:names, :edges)

      # @param template [Template]
      # @param decision [String] the name of the step
      def initialize(template, decision)
        @template = template
        @decision = decision
        below = template.downstream([ decision ], stop_at_decisions: true)
        # Core's graph of a decision ends before the next one, which may not be named itself.
        @exits, @inner = below.partition { |name| template.step(name).decision? }
      end

      # @param requested [Array<String>]
      # @return [Plan]
      # @raise [Refused] a name that is not below the decision, or an edge twice
      def plan(requested)
        wrong = (requested - @inner).first
        raise Refused, "step '#{wrong}' is not downstream of decision '#{@decision}'#{Names.did_you_mean(wrong, @inner)}" if wrong

        names = created_with(requested)
        edges = edges_of(names)
        refuse(edges.find { |edge| edges.count(edge) > 1 })
        Plan.new(names:, edges:)
      end

      # @param edge [Array(String, String), nil]
      # @raise [Refused] unless it is nil
      def refuse(edge)
        return unless edge

        raise Refused, "step '#{edge.last}' would be linked to '#{edge.first}' twice: below decision '#{@decision}' a step may not also depend on a step " \
                       "from before the decision; remove that dependency, its result is visible anyway"
      end

      private

      attr_reader :template

      def created_with(requested)
        created = requested | @exits
        spread(created) { |step| @inner.include?(step.name) && !step.deferred_convergence? && !step.batch_worker? }
        joins = template.steps.select { |step| step.deferred_convergence? && (created & step.dependencies).any? }.map(&:name)
        created |= joins
        spread(created, joins.dup) { |step| step.dependencies.all? { |name| created.include?(name) || name == @decision } }
        created
      end

      # Follows the edges from what is created to what a block accepts.
      def spread(created, frontier = created.dup)
        while (parent = frontier.pop)
          template.steps.each do |step|
            next if created.include?(step.name) || !step.dependencies.include?(parent) || !yield(step)

            created << step.name
            frontier << step.name
          end
        end
      end

      def edges_of(created)
        template.steps.select { |step| created.include?(step.name) }.flat_map do |step|
          step.dependencies.filter_map do |parent|
            if created.include?(parent) then [ parent, step.name ]
            # A parent that is not created now is replaced by the decision itself.
            elsif !step.deferred_convergence? then [ @decision, step.name ]
            end
          end
        end
      end
    end
  end
end
