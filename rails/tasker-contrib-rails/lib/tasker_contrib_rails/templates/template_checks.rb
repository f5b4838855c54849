# frozen_string_literal: true

require_relative "shape"

module TaskerContribRails
  module Templates
    # Checks of a whole template.
    #
    # @api private
    class TemplateChecks
      LIFECYCLE_WITHOUT_EFFECT = %w[max_duration_minutes staleness_action auto_fail_on_timeout auto_dlq_on_timeout].freeze

      # @return [Array<String>] what stops a worker
      attr_reader :errors
      # @return [Array<String>] what has no effect
      attr_reader :warnings

      # @param template [Template]
      def initialize(template)
        @template = template
        @errors = []
        @warnings = []
        check_head
        check_steps
      end

      private

      attr_reader :template

      def path = template.path
      def raw = template.raw

      def check_head
        errors.concat(Shape.problems(raw).map { |problem| "#{path}: #{problem}" })
        warnings << "#{path}: 'environments' has no effect: Core does not apply it" if raw["environments"].present?
        return unless raw["lifecycle"].is_a?(Hash)

        (raw["lifecycle"].keys & LIFECYCLE_WITHOUT_EFFECT).each { |key| warnings << "#{path}: lifecycle.#{key} has no effect: Core does not read it" }
      end

      def check_steps
        errors << "#{path}: 'steps' is missing; a template has at least one step" unless raw.key?("steps")
        template.steps.each do |step|
          checks = StepChecks.new(template, step)
          errors.concat(checks.errors)
          warnings.concat(checks.warnings)
        end
        template.steps.map(&:name).tally.each { |name, count| errors << "#{path}: step name '#{name}' is used #{count} times" if count > 1 }
        circle = cycle
        errors << "#{path}: dependency cycle: #{circle.join(" -> ")}" if circle
      end

      # The first dependency cycle, or nothing.
      def cycle
        done = []
        template.steps.each do |start|
          circle = circle_from(start.name, [], done)
          return circle if circle
        end
        nil
      end

      def circle_from(name, trail, done)
        return if done.include?(name)
        return trail.drop(trail.index(name)) + [ name ] if trail.include?(name)

        step = template.find(name)
        (step ? step.dependencies - [ name ] : []).each do |dependency|
          circle = circle_from(dependency, trail + [ name ], done)
          return circle if circle
        end
        done << name
        nil
      end
    end
  end
end
