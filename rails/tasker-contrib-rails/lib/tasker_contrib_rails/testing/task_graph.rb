# frozen_string_literal: true

require_relative "../templates/branches"
require_relative "../templates/template"

module TaskerContribRails
  module Testing
    # Which steps exist when, and what they wait for, as Core's server does it. Not every dependency of a template becomes an edge:
    # steps are created at three moments (with the task, by a decision, by a batch), and an edge is only made to a step that is
    # created at the same moment. The odd cases are kept, because a test that passed here and behaved differently on the server
    # would be worse than none.
    #
    # @api private
    class TaskGraph
      # A step that exists in the task. +late+ ones were made by a decision or a batch.
      Node = Struct.new(:name, :spec, :inputs, :late, :parents, :state, :result, :attempts)

      # @return [Templates::Template]
      attr_reader :template
      # @return [Hash{String => Node}] in the order of creation
      attr_reader :nodes

      def initialize(template)
        @template = template
        @nodes = {}
        names = initial_names
        template.steps.each { |step| create(step) if names.include?(step.name) }
        nodes.each_value { |node| node.parents.concat(node.spec.dependencies & nodes.keys) }
        @started = true
      end

      # Creates the steps that a decision names.
      #
      # @raise [Templates::Refused] a name that is not downstream of the decision, or an edge twice
      def decide(node, outcome)
        return unless outcome["type"] == "create_steps"

        branches = Templates::Branches.new(template, node.name)
        plan = branches.plan(Array(outcome["step_names"]).map(&:to_s))
        branches.refuse(plan.edges.find { |parent, child| nodes[child]&.parents&.include?(parent) })
        template.steps.each { |step| create(step) if plan.names.include?(step.name) }
        plan.edges.each { |parent, child| nodes[child].parents |= [ parent ] }
      end

      # Creates the workers of a batch, and what joins them.
      #
      # @raise [Templates::Refused] the template lacks what Core needs
      def expand(node, outcome)
        empty = outcome["type"] == "no_batches"
        name = empty ? node.spec.initialization["worker_template_name"].to_s : outcome["worker_template_name"].to_s
        if empty && name.empty?
          raise Templates::Refused, "step '#{node.name}' found nothing to do and its handler.initialization has no worker_template_name; Core needs it to create the placeholder"
        end
        worker = worker(node, name)
        cursors = empty ? [ { "batch_id" => "000", "start_cursor" => 0, "end_cursor" => 0, "batch_size" => 0 } ] : Array(outcome["cursor_configs"])
        made = cursors.map { |cursor| create(worker, "#{worker.name}_#{cursor["batch_id"]}", inputs_of(worker, cursor, empty)) }
        made.each { |instance| instance.parents |= [ node.name ] }
        template.steps.select { |step| step.deferred_convergence? && step.dependencies.include?(worker.name) }.each do |step|
          create(step).tap { |join| join.parents |= made.map(&:name) }
        end
      end

      # @return [Array<Node>] pending steps whose parents are all complete
      def ready
        nodes.values.select { |node| node.state == "pending" && node.parents.all? { |parent| nodes[parent].state == "complete" } }
      end

      # @return [Array<Node>] all steps that a node comes after, nearest first: their results are its input
      def ancestors(node)
        found = {}
        frontier = [ node ]
        until frontier.empty?
          names = frontier.flat_map { |current| nodes.keys & current.parents }.uniq.reject { |name| found.key?(name) }
          frontier = names.map { |name| found[name] = nodes[name] }
        end
        found.values
      end

      # @return [String, nil] why a node, about to start, does not wait for something its author wrote down
      def early_start(node)
        return if node.spec.batch_worker? # waits for its analyzer, whatever else it names

        missed = node.spec.dependencies.find { |dependency| !settled?(node, dependency) }
        return unless missed

        "step '#{node.name}' starts before '#{missed}', although it depends on it: Core drops a dependency on a step that does not exist yet " \
          "when '#{node.name}' is created (steps made by decisions and batches come later)"
      end

      private

      # Without a decision: all but batch workers and convergence steps. With one: all that is not downstream of it but batch
      # workers; convergence steps are then created at once.
      def initial_names
        decisions = template.steps.select(&:decision?).map(&:name)
        later = if decisions.empty?
          template.steps.select { |step| step.batch_worker? || step.deferred_convergence? }.map(&:name)
        else
          template.downstream(decisions) + template.steps.select(&:batch_worker?).map(&:name)
        end
        template.steps.map(&:name) - later
      end

      def create(spec, name = spec.name, inputs = spec.initialization)
        nodes[name] ||= Node.new(name, spec, inputs, @started || false, [], "pending", nil, 0)
      end

      def worker(node, name)
        found = template.find(name)
        unless found&.batch_worker?
          raise Templates::Refused, "step '#{node.name}' asks for batch worker '#{name}', but the template has no step of that name with type batch_worker"
        end
        raise Templates::Refused, "batch worker '#{name}' has no batch_config in the template" unless found.batch_config

        found
      end

      def inputs_of(worker, cursor, empty)
        metadata = worker.batch_config.slice("cursor_field", "failure_strategy")
        worker.initialization.merge("cursor" => cursor, "batch_metadata" => metadata, "is_no_op" => empty, "__template_step_name" => worker.name)
      end

      def settled?(node, dependency)
        made = nodes.values.select { |other| other.spec.name == dependency }
        return made.all? { |other| other.state == "complete" } if made.any?

        node.late && node.spec.deferred_convergence? # a branch that was not taken
      end
    end
  end
end
