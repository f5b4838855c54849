# frozen_string_literal: true

require_relative "batchable"
require_relative "names"

module TaskerContribRails
  # Finds the handler of a callable, makes it and calls it.
  #
  # @api private
  module Handlers
    # No handler for a callable.
    class NotFound < Error; end

    # Step types that need a handler of a certain kind.
    KINDS = { "decision" => DecisionHandler, "batchable" => BatchAnalyzer, "batch_worker" => BatchWorker }.freeze

    module_function

    # Constants are looked up for each step, so that code reloading works; names that Core's registry knows work as well.
    #
    # @param callable [String] such as "Shop::ChargeHandler"
    # @return [Class, Object] a class, or what Core's registry has
    # @raise [NotFound]
    def find(callable)
      constant = callable.match?(/\A(::)?[A-Z]\w*(::[A-Z]\w*)*\z/) && callable.safe_constantize
      return constant if constant.respond_to?(:new) && constant.method_defined?(:call)

      registered(callable) || raise(NotFound, "no handler '#{callable}': #{reason(callable, constant)}")
    end

    # @param callable [String]
    # @param context [TaskerCore::Types::StepContext]
    # @return [Object] what the handler returned
    def call(callable, context)
      found = find(callable)
      handler = found.is_a?(Class) ? build(found, context) : found
      method = context.step_definition.handler.handler_method
      return handler.public_send(method, context) if method.present?

      handler.respond_to?(:perform) && handler.is_a?(BatchWorker) ? handler.perform(context) : result_of(handler, handler.call(context))
    end

    # @return [Array<String>] what is wrong with the handlers of a template
    def problems(template)
      template.steps.filter_map do |step|
        next if step.callable.empty?

        handler = find(step.callable)
        wrong_kind(template, step, handler)
      rescue NotFound => error
        "#{template.path}: step '#{step.name}': #{error.message}"
      rescue ScriptError, StandardError => error
        "#{template.path}: step '#{step.name}': #{step.callable} cannot be loaded: #{error.class}: #{error.message.lines.first&.strip}"
      end
    end

    # @param templates [Array<Templates::Template>]
    # @param folder [Pathname] of the handlers
    # @return [Array<String>] a line for each handler of the folder that no step calls: a new one has no template yet
    def unused(templates, folder)
      used = templates.flat_map { |template| template.steps.map { |step| step.callable.delete_prefix("::") } }
      names = Dir[folder.join("**/*_handler.rb")].sort.map { |path| path.delete_prefix("#{folder}/").delete_suffix(".rb").camelize }
      (names - used).select { |name| complete?(name) }.map { |name| "no task template uses #{name}; a step uses it with `handler: {callable: #{name}}`" }
    end

    # A base class of other handlers does not define call itself. A file that cannot be loaded is reported when it is used.
    def complete?(name)
      handler = name.safe_constantize
      methods = handler.is_a?(Class) ? %i[call perform].select { |method| handler.method_defined?(method) } : []
      methods.any? { |method| !handler.instance_method(method).owner.name.to_s.start_with?("TaskerContribRails::", "TaskerCore::") }
    rescue ScriptError, StandardError
      false
    end
    private_class_method :complete?

    def build(handler, context)
      takes_config = handler.instance_method(:initialize).parameters.any? { |kind, name| kind.to_s.start_with?("key") && (name == :config || kind == :keyrest) }
      made = takes_config ? handler.new(config: context.step_config) : handler.new
      made.is_a?(StepHandler) ? made.for_step(context) : made
    end
    private_class_method :build

    # Handlers in Core's own style may return a hash that says whether it worked.
    def result_of(handler, value)
      return value unless defined?(TaskerCore::StepHandler::Base) && handler.is_a?(TaskerCore::StepHandler::Base)

      TaskerCore::Types::StepHandlerCallResult.from_handler_output(value)
    end
    private_class_method :result_of

    def registered(callable)
      return unless defined?(TaskerCore::Registry::HandlerRegistry)

      registry = TaskerCore::Registry::HandlerRegistry.instance
      registry.handlers.key?(callable) || !callable.match?(/\A[A-Z]/) ? registry.resolve_handler(callable) : nil
    end
    private_class_method :registered

    def reason(callable, constant)
      return "#{callable} does not define call(context)" if constant

      known = StepHandler.descendants.filter_map(&:name).reject { |name| name.start_with?("TaskerContribRails::") }
      hint = Names.did_you_mean(callable, known)
      file = callable.match?(/\A[A-Z]/) ? "; it belongs in #{callable.underscore}.rb in the folder of the handlers" : "; a callable is the name of a class"
      "there is no such class#{hint.empty? ? file : hint}"
    end
    private_class_method :reason

    def wrong_kind(template, step, handler)
      return unless handler.is_a?(Class) && handler < StepHandler

      wanted = KINDS[step.type]
      special = KINDS.values.find { |kind| handler <= kind }
      return if wanted == special

      "#{template.path}: step '#{step.name}' is of type '#{step.type}', which needs a #{(wanted || StepHandler).name.demodulize}, but #{step.callable} is a #{(special || StepHandler).name.demodulize}"
    end
    private_class_method :wrong_kind
  end
end
