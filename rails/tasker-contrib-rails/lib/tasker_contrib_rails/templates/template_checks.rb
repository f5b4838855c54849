# frozen_string_literal: true

require_relative "../names"

module TaskerContribRails
  module Templates
    # Checks of a whole template.
    #
    # @api private
    class TemplateChecks
      KEYS = %w[name namespace_name version description metadata system_dependencies domain_events input_schema steps environments lifecycle].freeze
      # Namespaces become a part of queue names, which PGMQ limits.
      LIMITS = { "name" => 255, "namespace_name" => 29, "version" => 50 }.freeze
      LIFECYCLE = %w[max_waiting_for_dependencies_minutes max_waiting_for_retry_minutes max_steps_in_process_minutes].freeze
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
        unknown(path, raw, KEYS)
        LIMITS.each { |key, limit| check_text(key, limit) }
        errors << "#{path}: input_schema must be a mapping" unless raw["input_schema"].nil? || template.input_schema
        warnings << "#{path}: 'environments' has no effect: Core does not apply it" if raw["environments"].present?
        return unless raw["lifecycle"].is_a?(Hash)

        unknown("#{path}: lifecycle", raw["lifecycle"], LIFECYCLE + LIFECYCLE_WITHOUT_EFFECT)
        (raw["lifecycle"].keys & LIFECYCLE_WITHOUT_EFFECT).each { |key| warnings << "#{path}: lifecycle.#{key} has no effect: Core does not read it" }
      end

      def check_text(key, limit)
        value = raw[key]
        if value.nil? || value == ""
          errors << "#{path}: '#{key}' is missing"
        elsif !value.is_a?(String)
          errors << "#{path}: #{key} = #{value} must be a text; put it in quotes"
        elsif value.length > limit
          errors << "#{path}: #{key} = #{value} has more than #{limit} characters"
        elsif key == "namespace_name" && !value.match?(/\A[A-Za-z0-9_]+\z/)
          errors << "#{path}: #{key} = #{value} may have only letters, digits and _ (it is a part of a queue's name)"
        end
      end

      def check_steps
        unless raw["steps"].is_a?(Array) && raw["steps"].any?
          errors << "#{path}: 'steps' must be a list with at least one step"
          return
        end
        raw["steps"].each_with_index do |step, index|
          errors << "#{path}: step #{index + 1} must be a mapping with a 'name'" unless step.is_a?(Hash) && step["name"].is_a?(String)
        end
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

      def unknown(where, table, known)
        (table.keys.map(&:to_s) - known).each do |key|
          errors << "#{where}: unknown key '#{key}', which Core would ignore#{Names.did_you_mean(key, known)}"
        end
      end
    end
  end
end
