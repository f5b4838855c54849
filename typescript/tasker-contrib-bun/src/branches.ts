/** Decisions and batches that Core would not follow: it only logs that, and ends the task without their steps. Here the step fails. */

import { ERROR_TYPES } from './contract.ts';
import type { NativeStep } from './native.ts';
import { failed, type Outcome } from './outcome.ts';
import { didYouMean } from './suggest.ts';
import type { Template, TemplateStep } from './templates.ts';

/** Checks an outcome against the step's template. */
export type BranchCheck = (event: NativeStep, outcome: Outcome) => Outcome;

/** A check that knows the templates of this worker; steps of others pass. */
export function branchCheck(templates: readonly Template[]): BranchCheck {
  const byId = new Map(templates.map((template) => [id(template), template.steps]));
  return (event, outcome) => {
    if (outcome.failure || outcome.checkpoint) return outcome;
    const steps = byId.get(id(event.task)) ?? [];
    const step = steps.find(({ name }) => name === event.workflowStep.templateStepName);
    const problem = step && problemOf(step, steps, outcome.result);
    return problem ? failed(problem, ERROR_TYPES.validation, false) : outcome;
  };
}

function problemOf(step: TemplateStep, steps: readonly TemplateStep[], result: Outcome['result']): string | undefined {
  const { name, type } = step;
  if (type === 'batchable' && !result.batch_processing_outcome) {
    return `batchable step '${name}' must return batches(…)`;
  }
  if (type !== 'decision') return undefined;
  const outcome = result.decision_point_outcome as { type?: unknown; step_names?: unknown } | undefined;
  if (!outcome) return `decision '${name}' must return route([…]) or skip('why')`;
  const below = downstream(name, steps);
  const names = Array.isArray(outcome.step_names) ? outcome.step_names.map(String) : [];
  const stray = names.find((wanted) => !below.includes(wanted));
  return stray === undefined
    ? undefined
    : `decision '${name}' chose '${stray}', which is not a step after it${didYouMean(stray, below)}`;
}

function downstream(name: string, steps: readonly TemplateStep[]): string[] {
  const found = new Set<string>();
  const frontier = [name];
  for (let parent = frontier.pop(); parent !== undefined; parent = frontier.pop()) {
    for (const step of steps) {
      if (found.has(step.name) || !step.dependencies.includes(parent)) continue;
      found.add(step.name);
      frontier.push(step.name);
    }
  }
  return [...found];
}

function id({ namespace, name, version }: { namespace: string; name: string; version?: string }): string {
  return `${namespace}/${name} ${version}`;
}
