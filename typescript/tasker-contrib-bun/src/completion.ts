/** What Core is told when a step has ended, and what the step's definition says about that. */

import { ERROR_TYPES } from './contract.ts';
import type { NativeStep } from './native.ts';
import { backoff, failed, type Handler, type Outcome } from './outcome.ts';
import { isStep } from './steps.ts';

/** A cut step that came back at once would be claimed again by the worker that is just stopping. */
export const CUT_RETRY_SECONDS = 2;

/** Seconds that fit into Core's number. It ignores larger ones, and tries again at once. */
export const LONGEST_DELAY = 2 ** 32 - 1;

/** A timer of more milliseconds fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The completion as Core's native module takes it. `after` is the delay of the next attempt in seconds. */
export function completion(
  event: NativeStep,
  outcome: Outcome,
  durationMs: number,
  after: number | null,
  workerId: string,
): object {
  const { failure } = outcome;
  // Core refuses null where a field may be left out.
  return {
    stepUuid: event.stepUuid,
    success: !failure,
    result: outcome.result,
    status: failure ? 'error' : 'completed',
    metadata: {
      executionTimeMs: Math.round(durationMs),
      workerId: workerId,
      completedAt: new Date().toISOString(),
      retryable: failure?.retryable ?? false,
      custom: outcome.metadata,
      ...(failure && { errorType: failure.errorType }),
      ...(failure?.code !== undefined && { errorCode: failure.code }),
    },
    ...(failure && {
      error: {
        message: failure.message,
        errorType: failure.errorType,
        retryable: failure.retryable,
        ...(failure.stack !== undefined && { backtrace: failure.stack.split('\n').slice(1, 20) }),
      },
    }),
    ...(after !== null && { orchestrationMetadata: { headers: { 'retry-after': String(after) }, custom: {} } }),
  };
}

/** Milliseconds that this step has; undefined without a limit. */
export function timeoutOf(event: NativeStep, handler: Handler | undefined): number | undefined {
  const template = event.stepDefinition.timeoutSeconds;
  const own = isStep(handler) ? handler.timeoutMs : undefined;
  const limits = [template ? template * 1000 : undefined, own].filter((limit) => limit !== undefined);
  const limit = Math.min(...limits);
  return limit <= LONGEST_TIMER_MS ? limit : undefined;
}

/** Core would put the step into `waiting_for_retry` and never take it out. */
export function finalIfTemplateSaysSo(event: NativeStep, outcome: Outcome): Outcome {
  if (!outcome.failure?.retryable || event.stepDefinition.retryRetryable !== false) return outcome;
  return { ...outcome, failure: { ...outcome.failure, retryable: false } };
}

/** Whole seconds, rounded up: what Core can do. */
export function retryAfter(event: NativeStep, attempt: number, outcome: Outcome, cut: boolean): number | null {
  const { failure } = outcome;
  if (!failure?.retryable) return null;
  if (cut) return CUT_RETRY_SECONDS;
  const { retryBackoff, retryBackoffBaseMs, retryMaxBackoffMs } = event.stepDefinition;
  const retry = { kind: retryBackoff, baseMs: retryBackoffBaseMs, maxMs: retryMaxBackoffMs };
  return Math.min(Math.ceil(failure.retryAfter ?? backoff(retry, attempt)), LONGEST_DELAY);
}

/** The outcome of a step that a stop ended. */
export function stoppedOutcome(when: string): Outcome {
  return failed(`the worker was stopped ${when}`, ERROR_TYPES.workerStopped, true);
}
