/** Handlers as functions, with types from Standard Schema validators (zod, valibot, arktype and others). */

import type { StandardSchemaV1 } from '@standard-schema/spec';

/** What a handler is given besides its input. */
export interface StepArgs<I = Record<string, unknown>, R = Record<string, unknown>> {
  /** The task's context, validated. */
  input: I;
  /** Results of earlier steps by name, validated where a schema is given. */
  results: R;
  /** The template's `handler.initialization`. */
  config: Record<string, unknown>;
  /** Aborted when the template's `timeout_seconds` is over and when the worker is stopped. */
  signal: AbortSignal;
  step: StepInfo;
  /**
   * The step's UUID: the same in every attempt, and when another worker takes the step over. Give it to effects that may
   * be asked for twice, as a header or as the value of a unique column.
   */
  idempotencyKey: string;
  /** The range of a batch worker; null in other steps. */
  batch: BatchRange | null;
  /** What the batch worker stored with {@link checkpoint}; null at first. */
  checkpoint: { cursor: unknown; itemsProcessed: number; accumulated: Record<string, unknown> } | null;
}

/** Which step this is. */
export interface StepInfo {
  name: string;
  /** Its name in the template; differs from `name` for instances of a batch worker. */
  templateStep: string;
  taskUuid: string;
  stepUuid: string;
  correlationId: string;
  namespace: string;
  task: string;
  /** 1 for the first one. */
  attempt: number;
  maxAttempts: number;
}

/** The part of a batch that one worker has. */
export interface BatchRange {
  id: string;
  start: number;
  end: number;
  size: number;
  /** A placeholder: the analyzer found nothing to do. */
  noOp: boolean;
}

type Schemas = Record<string, StandardSchemaV1>;
type Output<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<S> : Record<string, unknown>;
type Outputs<R> = R extends Schemas
  ? { [K in keyof R]: Output<R[K]> } & Record<string, unknown>
  : Record<string, unknown>;

/** Options of {@link defineStep}. */
export interface StepOptions<I extends StandardSchemaV1 | undefined, R extends Schemas | undefined> {
  /** Schema of the task's context. What does not fit is a permanent failure with the path. */
  input?: I;
  /** Schemas of results by step name. */
  results?: R;
  /** Milliseconds; the template's `timeout_seconds` wins if it is shorter. Default: none. */
  timeoutMs?: number;
}

/** A handler. `name` is the template's `callable`. */
export interface StepDefinition {
  readonly kind: 'tasker.step';
  readonly name: string;
  readonly input: StandardSchemaV1 | undefined;
  readonly results: Schemas;
  readonly timeoutMs: number | undefined;
  /** Calls the handler. */
  readonly run: (args: StepArgs<any, any>) => unknown;
}

/**
 * Define a handler.
 *
 * @example
 * ```ts
 * import { z } from 'zod';
 * import { defineStep } from 'tasker-contrib-bun';
 *
 * export const pack = defineStep(
 *   'shop.pack',
 *   { input: z.object({ order_id: z.number() }), results: { price: z.object({ cents: z.number() }) } },
 *   ({ input, results }) => ({ label: `${input.order_id}-${results.price.cents}` }),
 * );
 * ```
 */
export function defineStep<
  I extends StandardSchemaV1 | undefined = undefined,
  R extends Schemas | undefined = undefined,
>(name: string, options: StepOptions<I, R>, run: (args: StepArgs<Output<I>, Outputs<R>>) => unknown): StepDefinition {
  if (typeof name !== 'string' || !name.trim()) throw new TypeError('defineStep: the name must be a text');
  if (typeof run !== 'function')
    throw new TypeError(`defineStep(${JSON.stringify(name)}): the handler must be a function`);
  return {
    kind: 'tasker.step',
    name,
    input: options.input,
    results: options.results ?? {},
    timeoutMs: options.timeoutMs,
    run,
  };
}

/** Whether a value was made by {@link defineStep}. */
export function isStep(value: unknown): value is StepDefinition {
  return typeof value === 'object' && value !== null && (value as StepDefinition).kind === 'tasker.step';
}

/** Result of a decision: create these steps. */
export function route(steps: readonly string[]): Record<string, unknown> {
  if (!steps.length) throw new TypeError('route([]): name at least one step, or return skip(reason)');
  return { decision_point_outcome: { type: 'create_steps', step_names: [...steps] } };
}

/** Result of a decision: create none. */
export function skip(reason: string): Record<string, unknown> {
  return { decision_point_outcome: { type: 'no_branches' }, reason };
}

/** Result of a batchable step: one instance of `worker` for each range; no range makes one placeholder. */
export function batches(
  worker: string,
  ranges: readonly (readonly [start: number, end: number])[],
): Record<string, unknown> {
  const cursors = ranges.map(([start, end], index) => ({
    batch_id: String(index + 1).padStart(3, '0'),
    start_cursor: start,
    end_cursor: end,
    batch_size: end - start,
  }));
  if (!cursors.length) return { batch_processing_outcome: { type: 'no_batches' } };
  return {
    batch_processing_outcome: {
      type: 'create_batches',
      worker_template_name: worker,
      worker_count: cursors.length,
      cursor_configs: cursors,
      total_items: cursors.reduce((sum, cursor) => sum + cursor.batch_size, 0),
    },
  };
}

/** A batch worker's progress; returning one stores it and calls the handler again. */
export class Checkpoint {
  constructor(
    readonly cursor: unknown,
    readonly itemsProcessed: number,
    readonly accumulated: Record<string, unknown> = {},
  ) {}
}

/** See {@link Checkpoint}. */
export function checkpoint(
  cursor: unknown,
  itemsProcessed: number,
  accumulated: Record<string, unknown> = {},
): Checkpoint {
  return new Checkpoint(cursor, itemsProcessed, accumulated);
}
