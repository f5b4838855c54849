/** Runs one handler once, as the worker would. */

import type { Core } from '../native.ts';
import { type CoreHandler, type Handler, invoke, type Outcome } from '../outcome.ts';
import { nameOf } from '../registry.ts';
import { type StepContextOptions, stepContext, TestStepContext } from './context.ts';

type Mapping = Record<string, unknown>;

/** The outcome of one execution. */
export type StepOutcome =
  | { outcome: 'complete'; result: Mapping; metadata: Mapping }
  | {
      outcome: 'failed';
      error: string;
      errorType: string;
      code: string | undefined;
      retryable: boolean;
      /** Seconds that the handler asked to wait. */
      retryAfter: number | undefined;
    }
  | { outcome: 'checkpoint'; checkpoint: { cursor: unknown; items_processed: number; accumulated_results: Mapping } };

/** What `defineStep` made, a handler class of Core's style, or a plain function of Core's context. */
export type TestHandler = Handler | ((context: TestStepContext) => unknown);

/**
 * Runs a handler once, as the worker does: input validated, result and errors made an outcome; nothing is thrown.
 * Timeouts do not apply.
 *
 * @example
 * ```ts
 * const step = await runStep(chargeCard, { context: { amount: 5 } });
 * expect(step).toComplete({ charged: true });
 * ```
 */
export async function runStep(
  handler: TestHandler,
  options: StepContextOptions | TestStepContext = {},
): Promise<StepOutcome> {
  const name = nameOf(handler);
  const context =
    options instanceof TestStepContext ? options : stepContext({ ...(name ? { handler: name } : {}), ...options });
  const callee = name ? (handler as Handler) : plain(handler as (context: TestStepContext) => unknown);
  // Handlers of Core's style get this context in the place of Core's own.
  const core = { StepContext: { fromFfiEvent: () => context } } as unknown as Core;
  return told(await invoke(callee, context.event, new AbortController().signal, core));
}

function plain(run: (context: TestStepContext) => unknown): CoreHandler {
  return class {
    static readonly handlerName = 'plain';

    async call(context: unknown): Promise<unknown> {
      return run(context as TestStepContext);
    }
  };
}

function told({ result, metadata, failure, checkpoint }: Outcome): StepOutcome {
  if (failure) {
    const { message, errorType, code, retryable, retryAfter } = failure;
    return { outcome: 'failed', error: message, errorType, code, retryable, retryAfter };
  }
  if (!checkpoint) return { outcome: 'complete', result, metadata };
  const { cursor, itemsProcessed, accumulated } = checkpoint;
  return {
    outcome: 'checkpoint',
    checkpoint: { cursor, items_processed: itemsProcessed, accumulated_results: accumulated },
  };
}
