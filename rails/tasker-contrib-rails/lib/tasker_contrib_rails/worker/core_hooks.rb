# frozen_string_literal: true

require_relative "surroundings"

module TaskerContribRails
  module Worker
    # Four places where Core's Ruby layer is replaced.
    #
    # @api private
    module CoreHooks
      # Core executes one step after the other, without messages and back-off; the dispatcher does it instead.
      module Subscriber
        def call(event) = CoreHooks.dispatcher.call(event.payload)
      end

      # Signals and exit belong to the host: the runtime drains and stops.
      module Bootstrap
        private

        def register_shutdown_handlers! = nil
      end

      # Core's log lines go to the app's log; its many informational ones as debug.
      module Tracing
        { error: :error, warn: :warn, info: :debug, debug: :debug, trace: :debug }.each do |level, ours|
          define_method(level) { |message, fields = {}| TaskerContribRails.logger.public_send(ours) { CoreHooks.line(message, fields) } }
        end
      end

      # Handlers in Core's own style also log to the app's log.
      module Handler
        def logger = TaskerContribRails.logger
      end

      class << self
        # @return [#call] takes the payload of a step event
        attr_reader :dispatcher

        def install(dispatcher)
          @dispatcher = dispatcher
          TaskerCore::Worker::StepExecutionSubscriber.prepend(Subscriber)
          TaskerCore::Worker::Bootstrap.prepend(Bootstrap)
          TaskerCore::Tracing.singleton_class.prepend(Tracing)
          TaskerCore::StepHandler::Base.prepend(Handler)
          domain_events
        end

        def line(message, fields)
          fields.empty? ? "tasker-rb: #{message}" : "tasker-rb: #{message} #{fields.map { |name, value| "#{name}=#{value}" }.join(" ")}"
        end

        private

        # Core's events have String keys and JSON inside; subscribers here get neither.
        def domain_events
          @domain_events ||= TaskerCore::Worker::InProcessDomainEventPoller.instance.subscribe("*") { |event| publish(event) } || true
        end

        def publish(raw)
          event = raw.deep_symbolize_keys
          metadata, context = event.fetch(:metadata, {}), event.fetch(:context, {})
          ids = { task_uuid: metadata[:task_uuid], step_uuid: metadata[:step_uuid], step: metadata[:step_name], namespace: metadata[:namespace] || context[:namespace],
                  correlation_id: metadata[:correlation_id] }
          # A thread of Core's: subscribers find here what they find around a step.
          Surroundings.reloading do
            Events.publish(:domain_event, ids.merge(event_name: event[:event_name], event_version: event[:event_version], payload: parse(event[:business_payload])))
          end
        end

        def parse(payload)
          payload.is_a?(String) ? JSON.parse(payload, symbolize_names: true) : payload
        rescue JSON::ParserError
          payload
        end
      end
    end
  end
end
