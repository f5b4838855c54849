# frozen_string_literal: true

require "active_support"
require "active_support/core_ext/object/json"
require_relative "version"
require_relative "client/errors"
require_relative "client/answers"
require_relative "client/connection"
require_relative "client/context"
require_relative "client/input_schemas"
require_relative "client/operations"
require_relative "client/task_request"
require_relative "client/waiting"
require_relative "metrics"

module TaskerContribRails
  # Creates and inspects tasks through the orchestration server's REST API. Needs no worker in the process (Core's own client
  # does, and stops every thread during a call). Safe to share between threads; connections are reused.
  #
  # @example
  #   task = Tasker.client.create_task("ship", { order_id: 7 }, namespace: "shop")
  #   Tasker.client.wait(task, timeout: 60).succeeded?
  class Client
    include Waiting
    include Operations

    # Tasks of a namespace that are searched for one that exists already.
    SEARCHED_PAGES = 20

    # @param base_url [String] of the server, such as http://127.0.0.1:8080
    # @param token [String, nil] bearer token
    # @param api_key [String, nil] sent in +api_key_header+
    # @param options [Hash] +timeout+: seconds for one HTTP request (30); +max_retries+: repetitions when the server is away or overloaded (3);
    #   +max_concurrency+: calls in flight, more wait (16)
    # @param templates [#call] gives the local templates, for +input_schema+
    # @param initiator [String] default initiator of tasks
    def initialize(base_url, token: nil, api_key: nil, api_key_header: "X-API-Key", templates: -> { [] }, initiator: "tasker-contrib-rails", **options)
      headers = if token then { "Authorization" => "Bearer #{token}" }
      elsif api_key then { api_key_header => api_key }
      else
        {}
      end
      @connection = Connection.new(base_url, headers:, **options)
      @schemas = InputSchemas.new(templates)
      @initiator = initiator
    end

    # Creates a task. Tasker keeps one task for each template and context and refuses a second one: put something unique into the
    # context, or use +on_conflict: :return+.
    #
    # @param name [String] the template's name
    # @param context [Hash, #to_h, nil] the handlers' input; parameters of a request only if they are permitted
    # @param namespace [String] the template's namespace
    # @param version [String] the template's version, exactly
    # @param on_conflict [:raise, :return] what to do when the task exists
    # @param options [Hash] +priority+ (-100 to 100), +tags+, +correlation_id+, +parent_correlation_id+, +initiator+,
    #   +source_system+, +reason+
    # @return [Task] the new task, or the existing one
    # @raise [InvalidRequestError] the context is not a JSON object, or does not match the template's +input_schema+
    # @raise [NotFoundError] no worker has registered the template
    # @raise [ConflictError] it exists
    # @raise [ClientError] other answers of the server
    def create_task(name, context = {}, namespace: "default", version: "1.0.0", on_conflict: :raise, **options)
      raise ArgumentError, "on_conflict must be :raise or :return, not #{on_conflict.inspect}" unless %i[raise return].include?(on_conflict)

      identity = [ namespace.to_s, name.to_s, version.to_s ]
      context = Context.to_json_object(context)
      @schemas.check(identity, context)
      lost = false
      Task.new(call(__method__, :post, "/v1/tasks", body: TaskRequest.body(identity, context, options, initiator: @initiator)) { lost = true })
    rescue ConflictError => conflict
      # After a lost answer, the repetition finds the task that the first attempt created.
      raise unless lost || on_conflict == :return

      find(identity, context) || raise(ConflictError.new(
        "task #{identity.first(2).join("/")} #{identity.last} exists with this context, but is not among the latest " \
        "#{SEARCHED_PAGES * 100} tasks of the namespace", code: conflict.code, status: 409))
    rescue NotFoundError => missing
      raise NotFoundError.new("template #{identity.first(2).join("/")} #{identity.last} is not registered: a worker registers " \
                              "its templates when it starts#{@schemas.hint(identity)}", code: missing.code, status: 404)
    end

    # Writes a request into the outbox: a row of the present transaction of the app's own database. +tasker:outbox:relay+ creates the task.
    #
    # @param ordering_key [#to_s, nil] rows with the same key are sent one after the other, in the order of their ids
    # @param on_conflict [:raise, :ignore, :return] what the relay does when another caller's task has this template and context: +:raise+
    #   keeps the row as dead, the others take the existing task
    # @param correlation_id [String, nil] a UUID by which the task is recognised later; a new one if nil
    # @return [OutboxEntry]
    # @raise [InvalidRequestError] as {#create_task}; nothing was written
    # @raise [ConfigurationError] there is no table
    # @see #create_task for the other parameters
    def enqueue_task(name, context = {}, namespace: "default", version: "1.0.0", on_conflict: :raise, ordering_key: nil, correlation_id: nil, **options)
      identity = [ namespace.to_s, name.to_s, version.to_s ]
      context = Context.to_json_object(context)
      @schemas.check(identity, context)
      TaskRequest.check_options(options)
      Outbox.write(identity, context, ordering_key: ordering_key&.to_s, correlation_id:, options: options.merge(on_conflict: Outbox.on_conflict(on_conflict)))
    end

    # @param task [Task, String] the task or its UUID
    # @return [Task] its present state
    # @raise [NotFoundError]
    def get_task(task) = Task.new(call(__method__, :get, "/v1/tasks/#{uuid(task)}"))

    # @param namespace [String, nil] only of this namespace
    # @param status ["pending", "completed", nil] the server knows no other word here
    # @param initiator [String, nil] only those that this one created
    # @param page [Integer] from 1
    # @param per_page [Integer] 1 to 100
    # @return [Page] the newest first
    def list_tasks(namespace: nil, status: nil, initiator: nil, page: 1, per_page: 25)
      unless [ nil, "pending", "completed" ].include?(status&.to_s)
        raise InvalidRequestError, "status must be 'pending' or 'completed', not #{status.inspect}; the server fails on other words"
      end
      raise InvalidRequestError, "per_page must be 1 to 100 and page 1 or more" unless per_page.between?(1, 100) && page >= 1

      answer = call(__method__, :get, "/v1/tasks", params: { page:, per_page:, namespace:, status:, initiator: }.compact)
      pagination = answer.fetch("pagination", {})
      Page.new(tasks: answer.fetch("tasks").map { |fields| Task.new(fields) }, page: pagination.fetch("page", page),
        per_page: pagination.fetch("per_page", per_page), total: pagination.fetch("total_count", 0), has_next: pagination["has_next"] == true)
    end

    # Cancels a task; steps that run are not interrupted.
    #
    # @return [Task] its state after that
    # @raise [InvalidRequestError] it has ended already
    def cancel_task(task)
      call(__method__, :delete, "/v1/tasks/#{uuid(task)}")
      get_task(task)
    end

    # @return [Array<Step>] the steps of a task with their results
    def steps(task)
      call(__method__, :get, "/v1/tasks/#{uuid(task)}/workflow_steps").map { |fields| Step.new(fields) }
    end

    # @return [Boolean] whether the server answers; never raises
    def healthy? = @connection.healthy?

    # This client with another time for each HTTP request, over the same connections.
    #
    # @param seconds [Numeric]
    # @return [Client]
    # @example
    #   Tasker.client.with_timeout(2).get_task(task)
    def with_timeout(seconds)
      dup.tap { |other| other.instance_variable_set(:@connection, @connection.with_timeout(seconds)) }
    end

    # Closes the connections. The client cannot be used after that.
    def close = @connection.close

    private

    def call(operation, ...)
      @connection.call(...).tap { Metrics::CLIENT_REQUESTS.add(operation, "ok") }
    rescue ClientError => error
      Metrics::CLIENT_REQUESTS.add(operation, error.class.name.demodulize)
      raise
    end

    def find(identity, context)
      (1..SEARCHED_PAGES).each do |page|
        found = list_tasks(namespace: identity.first, page:, per_page: 100)
        task = found.find { |candidate| [ candidate.name, candidate.version, candidate.context ] == [ *identity.drop(1), context ] }
        return get_task(task) if task
        break unless found.has_next
      end
      nil
    end

    def uuid(task)
      text = (task.respond_to?(:task_uuid) ? task.task_uuid : task).to_s
      return text if text.match?(/\A\h{8}-\h{4}-\h{4}-\h{4}-\h{12}\z/)

      raise InvalidRequestError, "#{text.inspect} is not the UUID of a task"
    end
  end
end
