/** Builds the context that Core would hand to a handler: the same members as its `StepContext`. */

type Mapping = Record<string, unknown>;

/** What {@link stepContext} takes; everything has a default. */
export interface StepContextOptions {
  /** The name that templates call the handler by. Default: `handler`. */
  handler?: string;
  /** The task context, what `POST /v1/tasks` gave. */
  context?: Mapping;
  /** Results of ancestor steps by step name. */
  results?: Readonly<Record<string, unknown>>;
  /** `handler.initialization` of the template. */
  config?: Mapping;
  /** Attempts before this one; 0 is the first. */
  attempts?: number;
  /** Attempts allowed in all. Default: 3. */
  maxAttempts?: number;
  /** Makes it a batch worker's step: `[start, end]`, or Core's cursor object. */
  cursor?: readonly [start: number, end: number] | Mapping;
  /** The placeholder that Core runs when an analyzer found nothing to do. */
  noOp?: boolean;
  /** What the last execution of this batch worker stored. */
  checkpoint?: CheckpointRecord | undefined;
  /** Default: the handler's name. */
  stepName?: string;
  /** The step of the template, for a batch worker's instance. Default: the step's name. */
  templateStepName?: string;
  /** The step's inputs, if they are not those that `config` and `cursor` make. */
  inputs?: Mapping;
  /** The step's UUID. Default: a new one. */
  idempotencyKey?: string;
  /** Default: `default`. */
  namespace?: string;
  /** Default: `task`. */
  taskName?: string;
}

/** Progress of a batch worker, as Core stores it. */
export interface CheckpointRecord {
  cursor: unknown;
  items_processed: number;
  accumulated_results?: Mapping | undefined;
}

const PLACEHOLDER = { batch_id: '000', start_cursor: 0, end_cursor: 0, batch_size: 0 };

/**
 * The context of one step execution. It has the members of Core's `StepContext`, so handlers of any style take it.
 * Values go through JSON, as they do in production: a handler sees text for a date.
 *
 * @example
 * ```ts
 * const context = stepContext({ context: { amount: 5 }, attempts: 1 });
 * context.getInput('amount'); // 5
 * context.isRetry(); // true
 * ```
 */
export function stepContext(options: StepContextOptions = {}): TestStepContext {
  return new TestStepContext(options);
}

/** See {@link stepContext}. */
export class TestStepContext {
  readonly taskUuid = crypto.randomUUID() as string;
  readonly stepUuid: string;
  readonly correlationId = crypto.randomUUID() as string;
  readonly handlerName: string;
  readonly inputData: Mapping;
  readonly stepInputs: Mapping;
  readonly stepConfig: Mapping;
  readonly dependencyResults: Record<string, { stepUuid: string; success: boolean; result: unknown; status: string }>;
  readonly retryCount: number;
  readonly maxRetries: number;
  readonly event: {
    eventId: string;
    taskUuid: string;
    stepUuid: string;
    correlationId: string;
    task: { taskUuid: string; name: string; namespace: string; version: string; context: Mapping };
    workflowStep: {
      workflowStepUuid: string;
      name: string;
      templateStepName: string;
      attempts: number;
      maxAttempts: number;
      inputs: Mapping;
      checkpoint?: Mapping;
    };
    stepDefinition: { name: string; handlerCallable: string; handlerInitialization: Mapping };
    dependencyResults: TestStepContext['dependencyResults'];
  };

  constructor(options: StepContextOptions) {
    const name = options.handler ?? 'handler';
    const step = options.stepName ?? name;
    const templateStep = options.templateStepName ?? step;
    this.stepUuid = options.idempotencyKey ?? crypto.randomUUID();
    this.handlerName = name;
    this.inputData = json(options.context ?? {});
    this.stepConfig = json(options.config ?? {});
    this.stepInputs = json(options.inputs ?? inputsOf(options));
    this.retryCount = options.attempts ?? 0;
    this.maxRetries = options.maxAttempts ?? 3;
    this.dependencyResults = Object.fromEntries(
      Object.entries(options.results ?? {}).map(([parent, result]) => [
        parent,
        { stepUuid: crypto.randomUUID(), success: true, result: json(result), status: 'completed' },
      ]),
    );
    this.event = {
      eventId: crypto.randomUUID(),
      taskUuid: this.taskUuid,
      stepUuid: this.stepUuid,
      correlationId: this.correlationId,
      task: {
        taskUuid: this.taskUuid,
        name: options.taskName ?? 'task',
        namespace: options.namespace ?? 'default',
        version: '1.0.0',
        context: this.inputData,
      },
      workflowStep: {
        workflowStepUuid: this.stepUuid,
        name: step,
        templateStepName: templateStep,
        attempts: this.retryCount,
        maxAttempts: this.maxRetries,
        inputs: this.stepInputs,
        ...(options.checkpoint ? { checkpoint: json<Mapping>({ ...options.checkpoint }) } : {}),
      },
      stepDefinition: { name: templateStep, handlerCallable: name, handlerInitialization: this.stepConfig },
      dependencyResults: this.dependencyResults,
    };
  }

  /** A value of the task's context; undefined if it is not there. */
  getInput<T = unknown>(key: string): T | undefined {
    return this.inputData[key] as T | undefined;
  }

  /** The same, with a default for a key that is missing; a null stays. */
  getInputOr<T>(key: string, fallback: T): T {
    const value = this.inputData[key] as T | undefined;
    return value === undefined ? fallback : value;
  }

  /** A value of the template's `handler.initialization`. */
  getConfig<T = unknown>(key: string): T | undefined {
    return this.stepConfig[key] as T | undefined;
  }

  /** The result of an ancestor step, or null. */
  getDependencyResult(step: string): unknown {
    return this.dependencyResults[step]?.result ?? null;
  }

  /** A value inside of an earlier step's result, or null. */
  getDependencyField(step: string, ...path: string[]): unknown {
    let value = this.getDependencyResult(step);
    for (const key of path) value = (value as Mapping | null | undefined)?.[key] ?? null;
    return value;
  }

  /** Results of the earlier steps whose names begin with the prefix, by name. */
  getAllDependencyResults(prefix: string): unknown[] {
    const names = this.getDependencyResultKeys().filter((name) => name.startsWith(prefix));
    return names.sort().map((name) => this.getDependencyResult(name));
  }

  /** Names of the earlier steps. */
  getDependencyResultKeys(): string[] {
    return Object.keys(this.dependencyResults);
  }

  /** Whether this is not the first attempt. */
  isRetry(): boolean {
    return this.retryCount > 0;
  }

  /** Whether no attempt follows. */
  isLastRetry(): boolean {
    return this.retryCount >= this.maxRetries - 1;
  }

  /** What the batch worker stored, or null. */
  get checkpoint(): CheckpointRecord | null {
    return (this.event.workflowStep.checkpoint as CheckpointRecord | undefined) ?? null;
  }

  /** Where it goes on, or null. */
  get checkpointCursor(): unknown {
    return this.checkpoint?.cursor ?? null;
  }

  /** How many items are done. */
  get checkpointItemsProcessed(): number {
    return this.checkpoint?.items_processed ?? 0;
  }

  /** What it has gathered so far, or null. */
  get accumulatedResults(): Mapping | null {
    return this.checkpoint?.accumulated_results ?? null;
  }

  /** Whether the batch worker stored one. */
  hasCheckpoint(): boolean {
    return this.checkpoint !== null;
  }
}

function inputsOf({ config = {}, cursor, noOp = false }: StepContextOptions): Mapping {
  const range = noOp ? PLACEHOLDER : cursor && cursorOf(cursor);
  return range ? { ...config, cursor: range, batch_metadata: {}, is_no_op: noOp } : config;
}

function cursorOf(cursor: NonNullable<StepContextOptions['cursor']>): Mapping {
  if (!Array.isArray(cursor)) return cursor as Mapping;
  const [start, end] = cursor as [number, number];
  return { batch_id: '001', start_cursor: start, end_cursor: end, batch_size: end - start };
}

/** @throws TypeError if the value cannot be written as JSON. */
export function json<T>(value: T): T {
  const text = JSON.stringify(value);
  return (text === undefined ? null : JSON.parse(text)) as T;
}
