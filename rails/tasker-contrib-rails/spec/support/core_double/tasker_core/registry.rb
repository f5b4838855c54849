# frozen_string_literal: true

module TaskerCore
  module Registry
    class HandlerRegistry
      include Singleton

      attr_reader :handlers

      # Looks for the callables of all templates, and takes any loaded class whose name ends like one.
      def initialize
        @handlers = {}
        folder = ENV["TASKER_TEMPLATE_PATH"] || "config/tasks"
        Dir[File.join(folder, "**/*.{yml,yaml}")].each do |path|
          File.read(path).scan(/callable: ([\w:.]+)/).flatten.each do |callable|
            found = ObjectSpace.each_object(Class).find { |type| type.name&.end_with?(callable) && type < StepHandler::Base }
            register_handler(callable, found) if found
          end
        end
      end

      def register_handler(class_name, handler_class) = @handlers[class_name] = handler_class
      alias register register_handler
      def registered_handlers = @handlers.keys.sort
      def handler_available?(class_name) = @handlers.key?(class_name) || class_name.match?(/\A[A-Z]/)

      def resolve_handler(handler_spec)
        callable = handler_spec.is_a?(String) ? handler_spec : handler_spec.callable
        found = @handlers[callable] || callable.safe_constantize
        found.is_a?(Class) ? found.new : found
      end
    end
  end
end
