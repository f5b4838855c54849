/** The outcome of one execution, for every style of handler. */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ERROR_TYPES } from './contract.ts';
import { PermanentError, RetryableError } from './errors.ts';
import type { Core, NativeStep } from './native.ts';
import { type BatchRange, Checkpoint, type StepArgs, type StepDefinition } from './steps.ts';
import { messageOf, NotStorable, storable, text } from './storable.ts';

/** A handler class of Core: what its `define*` functions make, or a subclass of its `StepHandler`. */
export interface CoreHandler {
  readonly handlerName: string;
  /** Core makes one for each step. */
  new (): {
    /** Executes a step with Core's `StepContext`. */
    call(context: unknown): Promise<unknown>;
  };
}

/** A handler of any style. */
export type Handler = StepDefinition | CoreHandler;

/** Why a step failed. */
export interface Failure {
  message: string;
  errorType: string;
  retryable: boolean;
  code: string | undefined;
  retryAfter: number | undefined;
  stack: string | undefined;
}

/** Exactly one of result, failure and checkpoint counts. */
export interface Outcome {
  result: Record<string, unknown>;
  metadata: Record<string, unknown>;
  failure?: Failure;
  checkpoint?: Checkpoint;
}

/** An outcome that is a failure. */
export function failed(
  message: string,
  errorType: string,
  retryable: boolean,
  more: Partial<Failure> = {},
  metadata: unknown = {},
): Outcome {
  const failure = { errorType, retryable, code: undefined, retryAfter: undefined, stack: undefined, ...more };
  return { result: {}, metadata: details(metadata), failure: { message: text(message), ...failure } };
}

/** Call a handler. Never throws. */
export async function invoke(handler: Handler, event: NativeStep, signal: AbortSignal, core?: Core): Promise<Outcome> {
  try {
    if (typeof handler === 'function') {
      if (!core) throw new TypeError("a handler of Core's own style needs @tasker-systems/tasker");
      const context = core.StepContext.fromFfiEvent(event, handler.handlerName);
      return fromCore(await new handler().call(context));
    }
    const args = await argumentsOf(handler, event, signal);
    return 'failure' in args ? args : fromValue(await handler.run(args));
  } catch (error) {
    return thrown(error);
  }
}

async function argumentsOf(
  step: StepDefinition,
  event: NativeStep,
  signal: AbortSignal,
): Promise<StepArgs | (Outcome & { failure: Failure })> {
  const problems: string[] = [];
  const validated = async (schema: StandardSchemaV1, value: unknown, where: string): Promise<unknown> => {
    const result = await schema['~standard'].validate(value);
    if (!result.issues) return result.value;
    for (const issue of result.issues) problems.push(`${where}${path(issue.path)}: ${issue.message}`);
    return undefined;
  };
  const context = event.task.context ?? {};
  const input = step.input ? await validated(step.input, context, 'input') : context;
  const results: Record<string, unknown> = {};
  for (const [name, record] of Object.entries(event.dependencyResults)) results[name] = record.result;
  for (const [name, schema] of Object.entries(step.results)) {
    results[name] = await validated(schema, results[name], `results.${name}`);
  }
  if (problems.length) {
    const outcome = failed(problems.join('; '), ERROR_TYPES.validation, false);
    return outcome as Outcome & { failure: Failure };
  }
  const { workflowStep, stepDefinition } = event;
  const saved = workflowStep.checkpoint;
  return {
    input: input as Record<string, unknown>,
    results,
    config: stepDefinition.handlerInitialization ?? {},
    signal,
    step: {
      name: workflowStep.name,
      templateStep: workflowStep.templateStepName,
      taskUuid: event.taskUuid,
      stepUuid: event.stepUuid,
      correlationId: event.correlationId,
      namespace: event.task.namespace,
      task: event.task.name,
      attempt: (workflowStep.attempts ?? 0) + 1,
      maxAttempts: workflowStep.maxAttempts ?? 3,
    },
    idempotencyKey: event.stepUuid,
    batch: batch(workflowStep.inputs ?? {}),
    checkpoint: saved
      ? {
          cursor: saved.cursor,
          itemsProcessed: Number(saved.items_processed ?? 0),
          accumulated: (saved.accumulated_results ?? {}) as Record<string, unknown>,
        }
      : null,
  };
}

function batch(inputs: Record<string, unknown>): BatchRange | null {
  const cursor = inputs.cursor as Record<string, number | string> | undefined;
  if (!cursor || typeof cursor !== 'object') return null;
  return {
    id: String(cursor.batch_id),
    start: Number(cursor.start_cursor),
    end: Number(cursor.end_cursor),
    size: Number(cursor.batch_size),
    noOp: inputs.is_no_op === true,
  };
}

function path(segments: StandardSchemaV1.Issue['path']): string {
  return (segments ?? [])
    .map((segment) => (typeof segment === 'object' ? segment.key : segment))
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('');
}

/** A returned value: an object is the result, nothing is an empty one, anything else is wrapped as Core does. */
export function fromValue(value: unknown): Outcome {
  try {
    if (value instanceof Checkpoint) return saved(value.cursor, value.itemsProcessed, value.accumulated);
    if (isCoreResult(value)) return fromCore(value);
    return serialised(value ?? {}, {});
  } catch (error) {
    return thrown(error);
  }
}

interface CoreResult {
  success: boolean;
  result: Record<string, unknown> | null;
  errorMessage: string | null;
  errorType: string | null;
  errorCode: string | null;
  retryable: boolean;
  metadata: Record<string, unknown>;
}

function isCoreResult(value: unknown): value is CoreResult {
  return typeof value === 'object' && value !== null && 'isSuccess' in value && 'orchestrationMetadata' in value;
}

function fromCore(value: unknown): Outcome {
  if (!isCoreResult(value)) return fromValue(value);
  const metadata = value.metadata ?? {};
  const result = value.result ?? {};
  if (value.success && metadata.checkpoint_yield === true) {
    return saved(result.cursor, Number(result.items_processed ?? 0), result.accumulated_results ?? {});
  }
  if (value.success) return serialised(result, metadata);
  const code = value.errorCode ? text(value.errorCode) : undefined;
  const more = { code, retryAfter: seconds(metadata.retry_after_seconds) };
  const message = value.errorMessage ?? 'the handler failed';
  return failed(message, text(value.errorType ?? ERROR_TYPES.handler), value.retryable, more, metadata);
}

function saved(cursor: unknown, itemsProcessed: number, accumulated: unknown): Outcome {
  const kept = storable(accumulated, 'accumulated') as Record<string, unknown>;
  return { result: {}, metadata: {}, checkpoint: new Checkpoint(storable(cursor, 'cursor'), itemsProcessed, kept) };
}

function serialised(value: unknown, metadata: unknown): Outcome {
  // Before it is wrapped: a class of the application may become a text or a list by its toJSON.
  const plain = storable(value, 'result');
  const isObject = typeof plain === 'object' && plain !== null && !Array.isArray(plain);
  const result = (isObject ? plain : { result: plain }) as Record<string, unknown>;
  return { result, metadata: details(metadata) };
}

/** What comes beside an outcome, as a JSON object; it is not worth losing the outcome. */
function details(value: unknown): Record<string, unknown> {
  try {
    const plain = storable(value, 'metadata');
    if (typeof plain === 'object' && plain !== null && !Array.isArray(plain)) return plain as Record<string, unknown>;
  } catch (error) {
    console.warn(`tasker: left out what is stored beside the outcome of a step: ${messageOf(error)}`);
  }
  return {};
}

/** The outcome of whatever was thrown. Never throws. */
export function thrown(error: unknown): Outcome {
  const message = messageOf(error);
  if (!isError(error)) return failed(message, ERROR_TYPES.handler, true);
  if (error instanceof NotStorable) {
    return failed(`the result cannot be stored as JSON: ${message}`, ERROR_TYPES.validation, false);
  }
  const [code, stack] = [read(error, 'code'), read(error, 'stack')];
  const more = {
    code: typeof code === 'string' ? text(code) : undefined,
    retryAfter: seconds(read(error, 'retryAfter')),
    stack: typeof stack === 'string' ? text(stack) : undefined,
  };
  if (error instanceof PermanentError || isNamed(error, 'PermanentError')) {
    return failed(message, ERROR_TYPES.permanent, false, more, read(error, 'metadata'));
  }
  if (error instanceof RetryableError || isNamed(error, 'RetryableError')) {
    return failed(message, ERROR_TYPES.retryable, true, more, read(error, 'metadata'));
  }
  return failed(`${read(error, 'name') ?? 'Error'}: ${message}`, ERROR_TYPES.handler, true, more);
}

function isError(error: unknown): error is Error {
  try {
    return error instanceof Error;
  } catch {
    return false;
  }
}

/** What an application's error says about itself; it may throw. */
function read(error: Error, name: string): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

/** Whether an error, or a class that it inherits from, has this name: Core and a second copy of this package have their own classes. */
function isNamed(error: Error, name: string): boolean {
  if (read(error, 'name') === name) return true;
  for (let type = Object.getPrototypeOf(error); type; type = Object.getPrototypeOf(type)) {
    if (type.constructor.name === name) return true;
  }
  return false;
}

/** Seconds that can be waited; a date that could not be read has become NaN. */
function seconds(value: unknown): number | undefined {
  const number = typeof value === 'string' ? Number.parseFloat(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? number : undefined;
}

/** Seconds before the next attempt: the template's back-off, which Core leaves out. */
export function backoff(
  retry: { kind?: string | undefined; baseMs?: number | null | undefined; maxMs?: number | null | undefined },
  attempt: number,
): number {
  const base = retry.baseMs ?? 1000;
  const max = retry.maxMs ?? 30_000;
  const n = Math.max(1, Math.min(attempt, 64));
  const factors: Record<string, () => number> = {
    none: () => 0,
    linear: () => n,
    fibonacci: () => fibonacci(n),
    exponential: () => 2 ** (n - 1),
  };
  const factor = (factors[(retry.kind ?? 'exponential').toLowerCase()] ?? (() => 1))();
  return Math.min(base * factor, max) / 1000;
}

function fibonacci(n: number): number {
  let [a, b] = [1, 1];
  for (let i = 1; i < n; i++) [a, b] = [b, a + b];
  return a;
}
