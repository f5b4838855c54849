/** Task templates: read, and compared with the handlers before anything starts. Core would skip or ignore what is wrong. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { didYouMean } from './suggest.ts';
import { readTemplateFile, UnreadableTemplate } from './template-file.ts';
import { shapeProblems } from './template-shape.ts';

/** One step of a template. */
export interface TemplateStep {
  name: string;
  callable: string;
  type: 'standard' | 'decision' | 'deferred_convergence' | 'batchable' | 'batch_worker';
  dependencies: string[];
  initialization: Record<string, unknown>;
  retry: { retryable: boolean; maxAttempts: number; kind?: string; baseMs?: number; maxMs?: number };
  batchConfig: Record<string, unknown> | undefined;
  /** Undefined without a limit. */
  timeoutSeconds: number | undefined;
}

/** A template. */
export interface Template {
  file: string;
  name: string;
  namespace: string;
  version: string;
  steps: TemplateStep[];
  inputSchema: Record<string, unknown> | undefined;
}

type Raw = Record<string, any>;

const TYPES = ['standard', 'decision', 'deferred_convergence', 'batchable', 'batch_worker'];

/** Read every template of a directory; problems are added to the list. */
export function loadTemplates(directory: string, problems: string[]): Template[] {
  let files: string[];
  try {
    // Hidden entries are left out: in a ConfigMap of Kubernetes they are second and third ways to the same files.
    files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) =>
      /^(?!\.)(?!.*[/\\]\.).*\.ya?ml$/.test(file),
    );
  } catch (error) {
    problems.push(
      `templates = ${JSON.stringify(directory)}: ${folderProblem(error)}; create it, or set templates (TASKER_TEMPLATE_PATH)`,
    );
    return [];
  }
  const found: Template[] = [];
  for (const file of files.sort()) {
    const path = join(directory, file);
    let raw: unknown;
    try {
      raw = readTemplateFile(path);
    } catch (error) {
      if (!(error instanceof UnreadableTemplate)) throw error;
      problems.push(`${path}: ${error.message}`);
      continue;
    }
    found.push(readTemplate(raw, path, problems));
  }
  if (!files.length) problems.push(`${directory}: has no template; add one (*.yaml)`);
  const seen = new Map<string, string>();
  for (const { file, namespace, name, version } of found) {
    const id = `${namespace}/${name} ${version}`;
    const other = seen.get(id);
    if (other)
      problems.push(
        `${file}: namespace, name and version are those of ${other}; the last one that Core reads would win`,
      );
    seen.set(id, file);
  }
  return found;
}

/** One parsed template. */
export function readTemplate(content: unknown, file: string, problems: string[]): Template {
  const raw = isMapping(content) ? content : {};
  if (!['name', 'namespace_name', 'steps'].some((key) => key in raw)) {
    problems.push(
      `${file}: is not a task template; Core reads every YAML file in this folder, so move this one elsewhere`,
    );
  } else {
    for (const problem of shapeProblems(raw)) problems.push(`${file}: ${problem}`);
    if (!('steps' in raw)) problems.push(`${file}: 'steps' is missing; a template has at least one step`);
  }
  const items: unknown[] = Array.isArray(raw.steps) ? raw.steps : [];
  const named = items.filter(isMapping).filter(({ name }) => typeof name === 'string');
  const steps = named.map((item) => readStep(item, file, problems));
  checkGraph(steps, file, problems);
  return {
    file,
    name: String(raw.name ?? ''),
    namespace: String(raw.namespace_name ?? ''),
    version: String(raw.version ?? ''),
    steps,
    inputSchema: isMapping(raw.input_schema) ? raw.input_schema : undefined,
  };
}

function readStep(raw: Raw, file: string, problems: string[]): TemplateStep {
  const here = `${file}: step '${raw.name}'`;
  const handler: Raw = isMapping(raw.handler) ? raw.handler : {};
  if (handler.method || handler.resolver)
    problems.push(`${here}: handler.method and handler.resolver have no effect; remove them`);
  for (const [one, other] of [
    ['dependencies', 'depends_on'],
    ['type', 'step_type'],
  ] as const) {
    if (one in raw && other in raw) problems.push(`${here}: has both '${one}' and '${other}'; keep one`);
  }
  const type = raw.type ?? raw.step_type;
  const dependencies = raw.dependencies ?? raw.depends_on;
  const retry: Raw = isMapping(raw.retry) ? raw.retry : {};
  return {
    name: raw.name,
    callable: typeof handler.callable === 'string' ? handler.callable : '',
    type: TYPES.includes(type) ? type : 'standard',
    dependencies: Array.isArray(dependencies) ? dependencies.filter((name) => typeof name === 'string') : [],
    initialization: isMapping(handler.initialization) ? handler.initialization : {},
    retry: {
      retryable: retry.retryable ?? true,
      maxAttempts: retry.max_attempts ?? 3,
      ...(retry.backoff !== undefined && { kind: retry.backoff }),
      ...(retry.backoff_base_ms !== undefined && { baseMs: retry.backoff_base_ms }),
      ...(retry.max_backoff_ms !== undefined && { maxMs: retry.max_backoff_ms }),
    },
    batchConfig: isMapping(raw.batch_config) ? raw.batch_config : undefined,
    timeoutSeconds: raw.timeout_seconds ?? undefined,
  };
}

function checkGraph(steps: TemplateStep[], file: string, problems: string[]): void {
  const byName = new Map(steps.map((step) => [step.name, step]));
  for (const name of byName.keys()) {
    const uses = steps.filter((step) => step.name === name).length;
    if (uses > 1) problems.push(`${file}: step name '${name}' is used ${uses} times`);
  }
  for (const step of steps) {
    const here = `${file}: step '${step.name}'`;
    for (const dependency of step.dependencies) {
      if (dependency === step.name) problems.push(`${here} depends on itself`);
      else if (!byName.has(dependency))
        problems.push(`${here} depends on unknown step '${dependency}'${didYouMean(dependency, [...byName.keys()])}`);
    }
    if (step.type === 'decision' && !step.dependencies.length)
      problems.push(`${here}: a decision needs at least one dependency`);
    checkBatch(step, byName, here, problems);
  }
  const circle = cycle(byName);
  if (circle) problems.push(`${file}: dependency cycle: ${circle.join(' -> ')}`);
}

function checkBatch(
  { type, batchConfig, initialization }: TemplateStep,
  steps: Map<string, TemplateStep>,
  here: string,
  problems: string[],
): void {
  const isWorker = (name: unknown) => steps.get(String(name))?.type === 'batch_worker';
  if (type === 'batch_worker' && !batchConfig) {
    problems.push(
      `${here}: a batch_worker needs a 'batch_config' of its own; without it Core creates no workers, and the task still ends as complete`,
    );
  }
  const worker = batchConfig?.worker_template;
  if (worker !== undefined && !isWorker(worker)) {
    problems.push(
      `${here}: batch_config.worker_template '${worker}' is not a batch_worker step${didYouMean(String(worker), [...steps.keys()])}`,
    );
  }
  if (type === 'batchable' && !isWorker(initialization.worker_template_name)) {
    problems.push(
      `${here}: handler.initialization.worker_template_name must name the batch_worker step, or the steps after an empty batch are left out`,
    );
  }
}

function cycle(steps: Map<string, TemplateStep>): string[] | undefined {
  const done = new Set<string>();
  const visit = (name: string, trail: string[]): string[] | undefined => {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const dependency of steps.get(name)?.dependencies ?? []) {
      if (dependency === name) continue; // said already
      const found = visit(dependency, [...trail, name]);
      if (found) return found;
    }
    done.add(name);
    return undefined;
  };
  for (const name of steps.keys()) {
    const found = visit(name, []);
    if (found) return found;
  }
  return undefined;
}

/** Callables without a handler: such steps would fail for good. */
export function missingHandlers(templates: readonly Template[], names: readonly string[]): string[] {
  return templates.flatMap(({ file, steps }) =>
    steps
      .filter(({ callable }) => callable && !names.includes(callable))
      .map(
        ({ name, callable }) =>
          `${file}: step '${name}': no handler '${callable}' is registered${didYouMean(callable, names)}`,
      ),
  );
}

/** Handlers that no step calls: a new one has no template yet. */
export function unusedHandlers(templates: readonly Template[], names: readonly string[]): string[] {
  const used = new Set(templates.flatMap(({ steps }) => steps.map(({ callable }) => callable)));
  return names
    .filter((name) => !used.has(name))
    .map((name) => `no task template uses handler '${name}'; a step uses it with \`${callableLine(name)}\``);
}

/** One line for each template that leaves a step without a limit. */
export function stepsWithoutTimeout(templates: readonly Template[]): string[] {
  return templates.flatMap(({ file, steps }) => {
    const names = steps.filter(({ timeoutSeconds }) => timeoutSeconds === undefined).map(({ name }) => `'${name}'`);
    if (!names.length) return [];
    const which = names.length === 1 ? `step ${names[0]} has` : `steps ${names.join(', ')} have`;
    return [
      `${file}: ${which} no timeout_seconds, so nothing ends a handler that hangs, and recovery waits 25 minutes for a lost answer; ` +
        'add `timeout_seconds: 60`, or what the slowest run may take',
    ];
  });
}

/** The line of a template that calls a handler. */
export function callableLine(name: string): string {
  return `handler: {callable: ${name}}`;
}

/** Why a folder cannot be read, in words. */
export function folderProblem(error: unknown): string {
  const { code, message } = error as Error & { code?: string };
  if (code === 'ENOENT') return `there is no such folder in ${process.cwd()}`;
  return code === 'ENOTDIR' ? 'is not a folder' : message;
}

function isMapping(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
