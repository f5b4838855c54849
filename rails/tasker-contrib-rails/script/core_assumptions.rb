# frozen_string_literal: true

# What is not to be seen in the double itself.
module CoreAssumptions
  # The remote control of tests, and Data classes in place of what Core takes from dry-rb.
  OURS = %w[TaskerCore::Native TaskerCore::JsonOnly TaskerCore::Worker::EventBridge::Event].freeze
  # What Core has from a library.
  FOREIGN = { "TaskerCore::Worker::EventBridge" => { module: "Dry::Events::Publisher", methods: %i[subscribe] } }.freeze
  # Modules that are put before a class of Core: their methods must be there to be taken over.
  HOOKS = {
    TaskerContribRails::Worker::CoreHooks::Subscriber => [ "TaskerCore::Worker::StepExecutionSubscriber", :instance ],
    TaskerContribRails::Worker::CoreHooks::Bootstrap => [ "TaskerCore::Worker::Bootstrap", :instance ],
    TaskerContribRails::Worker::CoreHooks::Tracing => [ "TaskerCore::Tracing", :singleton ],
    TaskerContribRails::Worker::CoreHooks::Handler => [ "TaskerCore::StepHandler::Base", :instance ]
  }.freeze
  # Words in Core's code that the gem relies on.
  WORDS = {
    "TaskerCore::Worker::Bootstrap" => { shutdown!: [ "return if @status == :stopped" ], running?: [ "@status == :running" ], status: [ "worker_id" ],
                                         register_shutdown_handlers!: [ "INT", "TERM", "at_exit" ] },
    "TaskerCore::Worker::EventBridge" => { setup_event_schema!: [ "step.execution.received", "step.completion.sent", "step.checkpoint_yield.sent" ],
                                           wrap_step_execution_event: %w[event_id task_uuid step_uuid task_sequence_step correlation_id trace_id span_id],
                                           validate_completion!: [ "%i[event_id task_uuid step_uuid success]" ],
                                           validate_checkpoint_yield!: [ "%i[event_id step_uuid cursor items_processed]" ] },
    "TaskerCore::Worker::EventPoller" => { process_event: [ "publish_step_execution" ] },
    "TaskerCore::Worker::StepExecutionSubscriber" => { subscribe_to_events: [ "subscribe_to_step_execution" ] },
    "TaskerCore::TestEnvironment" => { nil => [ "TASKER_SKIP_EXAMPLE_HANDLERS" ] },
    "TaskerCore::TemplateDiscovery" => { nil => [ "TASKER_TEMPLATE_PATH" ] }
  }.freeze
end
