# frozen_string_literal: true

# What the dummy app does with the real gem.
module RealWorkflows
  HANDLERS = {
    "first" => "{ n: context.get_input(:n) }",
    "flaky" => <<~RUBY,
      File.write(Rails.root.join("tmp/flaky"), "\#{Time.now.to_f}\\n", mode: "a")
      raise "the first time" if context.retry_count.zero?

      { n: context.get_dependency_result("first")["n"] + 1, attempt: context.retry_count + 1 }
    RUBY
    "last" => "{ n: context.get_dependency_result(\"flaky\")[\"n\"] * 2, at: Time.utc(2026) }",
    "pay" => "raise Tasker::PermanentError.new(\"the card was declined\", error_code: \"DECLINED\")",
    "slow" => <<~RUBY,
      File.write(Rails.root.join("tmp/slow"), "\#{context.task_uuid}\\n", mode: "a")
      sleep(0.01) until File.exist?(context.get_input(:until))
    RUBY
    "plain" => "{}",
    "total" => "{ done: Tasker::BatchResults.of(context, \"work\").sum { |result| result[\"size\"] } }"
  }.freeze
  SPECIAL = {
    "decide" => [ "Tasker::DecisionHandler", "route(*context.get_input(:to))" ],
    "analyze" => [ "Tasker::BatchAnalyzer", "batches(total_items: context.get_input(:items), batch_size: 2, worker: \"work\")" ],
    "work" => [ "Tasker::BatchWorker", "{ size: batch.size }" ]
  }.freeze

  module_function

  def write(app)
    HANDLERS.each { |name, body| handler(app, name, "Tasker::StepHandler", body) }
    SPECIAL.each { |name, (base, body)| handler(app, name, base, body) }
    templates.each { |name, steps| app.write("config/tasks/#{name}.yaml", { "name" => name, "namespace_name" => "real", "version" => "1.0.0", "steps" => steps }.to_yaml) }
    app.write("config/initializers/events.rb", <<~RUBY)
      ActiveSupport::Notifications.subscribe("domain_event.tasker") do |event|
        File.write(Rails.root.join("tmp/events"), "\#{event.payload[:event_name]} \#{event.payload[:payload][:n]}\\n", mode: "a")
      end
    RUBY
  end

  def handler(app, name, base, body)
    app.write("app/handlers/#{name}_handler.rb", "class #{name.capitalize}Handler < #{base}\n  def call(context)\n#{body.gsub(/^(?=.)/, "    ").chomp}\n  end\nend\n")
  end

  def step(name, callable = name, **more) = { "name" => name, "handler" => { "callable" => "#{callable.capitalize}Handler" } }.merge(more.deep_stringify_keys)

  def templates
    event = { name: "flow.done", description: "It is done.", schema: { type: "object" }, condition: "success", delivery_mode: "fast" }
    config = { batch_size: 2, parallelism: 2, cursor_field: "row", worker_template: "work", failure_strategy: "continue_on_failure" }
    analyze = { "name" => "analyze", "type" => "batchable", "handler" => { "callable" => "AnalyzeHandler", "initialization" => { "worker_template_name" => "work" } } }
    {
      "flow" => [ step("first"), step("flaky", dependencies: [ "first" ], retry: { max_attempts: 3, backoff: "exponential", backoff_base_ms: 2000 }),
                  step("last", dependencies: [ "flaky" ], publishes_events: [ event ]) ],
      "declined" => [ step("pay") ],
      "slow" => [ step("slow"), step("after", "plain", dependencies: [ "slow" ]) ],
      "choose" => [ step("start", "plain"), step("decide", type: "decision", dependencies: [ "start" ]), step("yes", "plain", dependencies: [ "decide" ]), step("no", "plain", dependencies: [ "decide" ]) ],
      "batch" => [ analyze, step("work", type: "batch_worker", dependencies: [ "analyze" ], batch_config: config),
                   step("total", type: "deferred_convergence", dependencies: %w[work]) ]
    }
  end
end
