/**
 * Turns the `handlers` of a workflow case into functions. The cases are shared by all languages:
 * `xtask/contract/workflow-cases`, with the format.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { YAML } from 'bun';
import type { TestStepContext } from '../../src/testing/index.ts';

export const CASES = join(import.meta.dir, '../../../../xtask/contract/workflow-cases');

interface Behaviour {
  result?: Record<string, unknown>;
  fail?: { message: string; retryable: boolean };
  route?: string[];
  skip?: string;
  batches?: [number, number][];
  worker?: string;
  checkpoints?: number[];
  report?: true;
}

export interface WorkflowCase {
  about: string;
  server?: boolean;
  context: Record<string, unknown>;
  template: Record<string, unknown> & { name: string };
  handlers: Record<string, Behaviour[] | Record<string, Behaviour[]>>;
  expect: {
    status: string | string[];
    order?: string[];
    steps?: Record<
      string,
      {
        state: string;
        attempts?: number;
        result?: object;
        error?: string;
        delays?: number[];
        checkpoints?: unknown[];
      }
    >;
    absent?: string[];
    problems?: string[];
  };
}

export function caseNames(): string[] {
  const files = readdirSync(CASES).filter((file) => file.endsWith('.yaml'));
  return files.map((file) => file.slice(0, -'.yaml'.length)).sort();
}

export function loadCase(name: string): WorkflowCase {
  return YAML.parse(readFileSync(join(CASES, `${name}.yaml`), 'utf8')) as WorkflowCase;
}

/** A handler that does on each attempt what the script says; without state of its own. */
export function scripted(script: Behaviour[] | Record<string, Behaviour[]>) {
  return (context: TestStepContext): unknown => {
    const batch = (context.stepInputs.cursor as { batch_id?: string } | undefined)?.batch_id ?? '*';
    const behaviours = Array.isArray(script) ? script : (script[batch] ?? script['*']!);
    return act(behaviours[Math.min(context.retryCount, behaviours.length - 1)]!, context);
  };
}

function act(behaviour: Behaviour, context: TestStepContext): unknown {
  if (behaviour.fail) {
    const { message, retryable } = behaviour.fail;
    const errorType = retryable ? 'handler_error' : 'permanent_error';
    return { ...coreResult(false), errorMessage: message, errorType, retryable };
  }
  const next = behaviour.checkpoints?.find((cursor) => Number(context.checkpointCursor ?? 0) < cursor);
  if (next !== undefined) {
    const result = { cursor: next, items_processed: next, accumulated_results: {} };
    return { ...coreResult(true), result, metadata: { checkpoint_yield: true } };
  }
  if (behaviour.route) return { decision_point_outcome: { type: 'create_steps', step_names: behaviour.route } };
  if (behaviour.skip) return { decision_point_outcome: { type: 'no_branches' } };
  if (behaviour.batches) return { batch_processing_outcome: batches(behaviour.batches, behaviour.worker!) };
  return behaviour.report ? report(context) : behaviour.result;
}

const coreResult = (success: boolean) => ({
  success,
  isSuccess: () => success,
  metadata: {},
  orchestrationMetadata: null,
});

function batches(ranges: [number, number][], worker: string) {
  const cursors = ranges.map(([start, end], index) => ({
    batch_id: String(index + 1).padStart(3, '0'),
    start_cursor: start,
    end_cursor: end,
    batch_size: end - start,
  }));
  if (cursors.length === 0) return { type: 'no_batches' };
  return {
    type: 'create_batches',
    worker_template_name: worker,
    worker_count: cursors.length,
    cursor_configs: cursors,
    total_items: cursors.at(-1)!.end_cursor,
  };
}

function report(context: TestStepContext) {
  const cursor = (context.stepInputs.cursor ?? {}) as { start_cursor?: number; end_cursor?: number };
  const keys = context.getDependencyResultKeys().sort();
  return {
    context: context.inputData,
    config: context.stepConfig,
    attempts: context.retryCount,
    max_attempts: context.maxRetries,
    dependencies: Object.fromEntries(keys.map((key) => [key, context.getDependencyResult(key)])),
    range: [cursor.start_cursor ?? null, cursor.end_cursor ?? null],
    is_no_op: context.stepInputs.is_no_op ?? false,
  };
}
