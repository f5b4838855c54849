/** Reads a task template for the in-memory run. */

import { readFileSync } from 'node:fs';
import { YAML } from 'bun';

/** The template cannot be run; the message names the file, the step and the key. */
export class TemplateProblem extends Error {
  override readonly name = 'TemplateProblem';
}

/** A step's type in a template. */
export const STEP_TYPES = ['standard', 'decision', 'deferred_convergence', 'batchable', 'batch_worker'] as const;
export type StepType = (typeof STEP_TYPES)[number];

/** One step of a template, as far as running it needs. */
export interface StepSpec {
  name: string;
  callable: string;
  type: StepType;
  dependencies: readonly string[];
  initialization: Record<string, unknown>;
  retryable: boolean;
  maxAttempts: number;
  retry: { kind: string; baseMs: number | null; maxMs: number | null };
  batchConfig: Record<string, unknown> | undefined;
}

/** A task template, as far as running it needs. */
export interface TemplateSpec {
  name: string;
  steps: readonly StepSpec[];
}

type Mapping = Record<string, unknown>;

/**
 * Reads a template from a YAML file or from its parsed content.
 *
 * @throws {@link TemplateProblem} no such file, not YAML, or Core would not accept or never finish it.
 */
export function loadTemplate(source: string | Mapping): TemplateSpec {
  if (typeof source !== 'string') return template(source, 'template');
  let data: unknown;
  try {
    data = YAML.parse(readFileSync(source, 'utf8'));
  } catch (error) {
    const why = (error as Error).message;
    throw new TemplateProblem(
      (error as { code?: string }).code === undefined ? `${source} is not YAML: ${why}` : `${source}: ${why}`,
    );
  }
  if (!isMapping(data)) throw new TemplateProblem(`${source} is not a task template: the top level must be a mapping`);
  return template(data, source);
}

function template(data: Mapping, where: string): TemplateSpec {
  const items = Array.isArray(data.steps) ? data.steps : [];
  const steps = items.map((item) => step(item, where));
  if (steps.length === 0) throw new TemplateProblem(`${where} has no steps`);
  const names = steps.map((spec) => spec.name);
  for (const spec of steps) {
    if (names.indexOf(spec.name) !== names.lastIndexOf(spec.name)) {
      throw new TemplateProblem(`${where}: two steps are called '${spec.name}'`);
    }
    const missing = spec.dependencies.find((name) => !names.includes(name));
    if (missing !== undefined) {
      throw new TemplateProblem(`${where}: step '${spec.name}' depends on '${missing}', which does not exist`);
    }
    if (spec.type === 'decision' && spec.dependencies.length === 0) {
      throw new TemplateProblem(
        `${where}: decision '${spec.name}' needs at least one dependency, or Core refuses the template`,
      );
    }
  }
  refuseCycle(steps, where);
  return { name: String(data.name ?? ''), steps };
}

function step(item: unknown, where: string): StepSpec {
  if (!isMapping(item) || !item.name) throw new TemplateProblem(`${where}: a step has no name`);
  const name = String(item.name);
  const handler = item.handler;
  if (!isMapping(handler) || !handler.callable) {
    throw new TemplateProblem(`${where}: step '${name}' has no handler.callable`);
  }
  const type = (item.type ?? item.step_type ?? 'standard') as StepType;
  if (!STEP_TYPES.includes(type)) {
    throw new TemplateProblem(`${where}: step '${name}' has type '${type}'; one of ${STEP_TYPES.join(', ')}`);
  }
  if ('dependencies' in item && 'depends_on' in item) {
    throw new TemplateProblem(`${where}: step '${name}' has both dependencies and depends_on`);
  }
  const retry = isMapping(item.retry) ? item.retry : {};
  const backoff = retry.backoff ?? 'exponential';
  if (!['none', 'linear', 'exponential', 'fibonacci'].includes(String(backoff))) {
    throw new TemplateProblem(`${where}: step '${name}' has retry.backoff '${backoff}'`);
  }
  return {
    name,
    callable: String(handler.callable),
    type,
    dependencies: ((item.dependencies ?? item.depends_on ?? []) as unknown[]).map(String),
    initialization: isMapping(handler.initialization) ? handler.initialization : {},
    retryable: retry.retryable !== false,
    maxAttempts: Number(retry.max_attempts ?? 3),
    retry: {
      kind: String(backoff),
      baseMs: retry.backoff_base_ms as number | null,
      maxMs: retry.max_backoff_ms as number | null,
    },
    batchConfig: isMapping(item.batch_config) ? item.batch_config : undefined,
  };
}

function refuseCycle(steps: readonly StepSpec[], where: string): void {
  let remaining = [...steps];
  while (remaining.length > 0) {
    const names = new Set(remaining.map((spec) => spec.name));
    const blocked = remaining.filter((spec) => spec.dependencies.some((name) => names.has(name)));
    if (blocked.length === remaining.length) {
      const through = [...names].sort().join(', ');
      throw new TemplateProblem(`${where} has a cycle through ${through}; Core accepts it, and its tasks never end`);
    }
    remaining = blocked;
  }
}

/** Whether a value is an object with keys. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
