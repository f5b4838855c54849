/** The outcome of one execution, for every style of handler. */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ERROR_TYPES } from './contract.ts';
import { PermanentError, RetryableError } from './errors.ts';
import type { Core, NativeStep } from './native.ts';
import { type BatchRange, Checkpoint, type StepArgs, type StepDefinition } from './steps.ts';

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
  const failure = { message, errorType, retryable, code: undefined, retryAfter: undefined, stack: undefined, ...more };
  return { result: {}, metadata: jsonObject(metadata) ?? {}, failure };
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
    return fromError(error);
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
  if (value instanceof Checkpoint) return { result: {}, metadata: {}, checkpoint: value };
  if (isCoreResult(value)) return fromCore(value);
  const object =
    value === undefined || value === null
      ? {}
      : typeof value === 'object' && !Array.isArray(value)
        ? value
        : { result: value };
  return serialised(object as Record<string, unknown>, {});
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
    const accumulated = (result.accumulated_results ?? {}) as Record<string, unknown>;
    const saved = new Checkpoint(result.cursor, Number(result.items_processed ?? 0), accumulated);
    return { result: {}, metadata: {}, checkpoint: saved };
  }
  if (value.success) return serialised(result, metadata);
  const more = { code: value.errorCode ?? undefined, retryAfter: seconds(metadata.retry_after_seconds) };
  const message = value.errorMessage ?? 'the handler failed';
  return failed(message, value.errorType ?? ERROR_TYPES.handler, value.retryable, more, metadata);
}

/** Core would fail on what JSON cannot hold, later and without a reason. */
function serialised(result: Record<string, unknown>, metadata: Record<string, unknown>): Outcome {
  try {
    const plain = JSON.parse(JSON.stringify(result)) as unknown;
    if (typeof plain === 'object' && plain !== null && !Array.isArray(plain)) {
      return { result: plain as Record<string, unknown>, metadata: JSON.parse(JSON.stringify(metadata)) };
    }
    return failed('the result is not a JSON object', ERROR_TYPES.validation, false);
  } catch (error) {
    return failed(`the result cannot be stored as JSON: ${(error as Error).message}`, ERROR_TYPES.validation, false);
  }
}

/** The value as a JSON object; undefined if it is not one. */
function jsonObject(value: unknown): Record<string, unknown> | undefined {
  try {
    const plain = JSON.parse(JSON.stringify(value)) as unknown;
    return typeof plain === 'object' && plain !== null && !Array.isArray(plain)
      ? (plain as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function fromError(error: unknown): Outcome {
  if (!(error instanceof Error)) return failed(String(error), ERROR_TYPES.handler, true);
  const { code, retryAfter, metadata } = error as { code?: unknown; retryAfter?: unknown; metadata?: unknown };
  const more = {
    code: typeof code === 'string' ? code : undefined,
    retryAfter: seconds(retryAfter),
    stack: error.stack,
  };
  if (error instanceof PermanentError || isNamed(error, 'PermanentError')) {
    return failed(error.message, ERROR_TYPES.permanent, false, more, metadata);
  }
  if (error instanceof RetryableError || isNamed(error, 'RetryableError')) {
    return failed(error.message, ERROR_TYPES.retryable, true, more, metadata);
  }
  return failed(`${error.name}: ${error.message}`, ERROR_TYPES.handler, true, more);
}

/** Whether an error, or a class that it inherits from, has this name: Core and a second copy of this package have their own classes. */
function isNamed(error: Error, name: string): boolean {
  if (error.name === name) return true;
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
