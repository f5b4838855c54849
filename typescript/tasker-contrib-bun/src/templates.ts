/** Task templates: read, and compared with the handlers before anything starts. Core would skip or ignore what is wrong. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { YAML } from 'bun';
import { didYouMean } from './suggest.ts';

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

const KEYS = [
  'name',
  'namespace_name',
  'version',
  'description',
  'metadata',
  'system_dependencies',
  'domain_events',
  'input_schema',
  'steps',
  'environments',
  'lifecycle',
];
const STEP_KEYS = [
  'name',
  'description',
  'handler',
  'type',
  'step_type',
  'system_dependency',
  'dependencies',
  'depends_on',
  'retry',
  'timeout_seconds',
  'publishes_events',
  'batch_config',
  'result_schema',
];
const RETRY_KEYS = ['retryable', 'max_attempts', 'backoff', 'backoff_base_ms', 'max_backoff_ms'];
const TYPES = ['standard', 'decision', 'deferred_convergence', 'batchable', 'batch_worker'];
const BATCH_KEYS = ['batch_size', 'parallelism', 'cursor_field', 'worker_template', 'failure_strategy'];

/** Read every template of a directory; problems are added to the list. */
export function loadTemplates(directory: string, problems: string[]): Template[] {
  let files: string[];
  try {
    files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) => /\.ya?ml$/.test(file));
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
      raw = YAML.parse(readFileSync(path, 'utf8'));
    } catch (error) {
      problems.push(`${path}: is not valid YAML: ${(error as Error).message}`);
      continue;
    }
    found.push(readTemplate(raw, path, problems));
  }
  if (!files.length) problems.push(`${directory}: has no template; add one (*.yaml)`);
  const seen = new Map<string, string>();
  for (const { file, namespace, name, version } of found) {
    const id = `${namespace}/${name} ${version}`;
    const other = seen.get(id);
    if (other) problems.push(`${file}: template ${id} is also in ${other}`);
    seen.set(id, file);
  }
  return found;
}

/** One parsed template. */
export function readTemplate(content: unknown, file: string, problems: string[]): Template {
  const raw = isMapping(content) ? content : {};
  if (!isMapping(content))
    problems.push(
      `${file}: is not a task template; Core reads every YAML file in this folder, so move this one elsewhere`,
    );
  unknown(raw, KEYS, file, problems);
  for (const key of ['name', 'namespace_name', 'version']) {
    if (typeof raw[key] !== 'string' || !raw[key])
      problems.push(`${file}: ${key} must be a text (in quotes if it looks like a number)`);
  }
  const namespace = String(raw.namespace_name ?? '');
  if (namespace && !/^[A-Za-z0-9_]{1,29}$/.test(namespace)) {
    problems.push(
      `${file}: namespace_name = ${JSON.stringify(namespace)} may have up to 29 letters, digits and _ (a queue's name)`,
    );
  }
  const items: unknown[] = Array.isArray(raw.steps) ? raw.steps : [];
  if (!items.length) problems.push(`${file}: steps must be a list with at least one step`);
  const steps = items.map((item, index) => readStep(item, `${file}: step ${index + 1}`, file, problems));
  checkGraph(steps, file, problems);
  return {
    file,
    name: String(raw.name),
    namespace,
    version: String(raw.version),
    steps,
    inputSchema: raw.input_schema,
  };
}

function readStep(item: unknown, where: string, file: string, problems: string[]): TemplateStep {
  const raw: Raw = isMapping(item) ? item : {};
  const name = String(raw.name ?? '');
  const here = name ? `${file}: step '${name}'` : where;
  if (!name) problems.push(`${where}: name is missing`);
  unknown(raw, STEP_KEYS, here, problems);
  const handler: Raw = isMapping(raw.handler) ? raw.handler : {};
  if (typeof handler.callable !== 'string' || !handler.callable) problems.push(`${here}: handler.callable is missing`);
  if (handler.method || handler.resolver)
    problems.push(`${here}: handler.method and handler.resolver have no effect; remove them`);
  const type = raw.type ?? raw.step_type ?? 'standard';
  if (!TYPES.includes(type))
    problems.push(`${here}: type '${type}' is not one of ${TYPES.join(', ')}${didYouMean(String(type), TYPES)}`);
  const retry: Raw = isMapping(raw.retry) ? raw.retry : {};
  unknown(retry, RETRY_KEYS, `${here}: retry`, problems);
  if (
    retry.max_attempts !== undefined &&
    !(Number.isInteger(retry.max_attempts) && retry.max_attempts >= 1 && retry.max_attempts <= 100)
  ) {
    problems.push(`${here}: retry.max_attempts = ${JSON.stringify(retry.max_attempts)} must be 1 to 100`);
  }
  for (const event of (raw.publishes_events as Raw[] | undefined) ?? []) {
    for (const key of ['name', 'description', 'schema']) {
      if (!event?.[key])
        problems.push(
          `${here}: publishes_events '${event?.name}': ${key} is missing; Core then refuses the whole file`,
        );
    }
  }
  return {
    name,
    callable: String(handler.callable ?? ''),
    type,
    dependencies: ((raw.dependencies ?? raw.depends_on ?? []) as unknown[]).map(String),
    initialization: handler.initialization ?? {},
    retry: {
      retryable: retry.retryable ?? true,
      maxAttempts: retry.max_attempts ?? 3,
      ...(retry.backoff !== undefined && { kind: retry.backoff }),
      ...(retry.backoff_base_ms !== undefined && { baseMs: retry.backoff_base_ms }),
      ...(retry.max_backoff_ms !== undefined && { maxMs: retry.max_backoff_ms }),
    },
    batchConfig: raw.batch_config,
    timeoutSeconds: raw.timeout_seconds ?? undefined,
  };
}

function checkGraph(steps: TemplateStep[], file: string, problems: string[]): void {
  const byName = new Map(steps.map((step) => [step.name, step]));
  for (const step of steps) {
    const here = `${file}: step '${step.name}'`;
    if (byName.get(step.name) !== step) problems.push(`${here} is defined twice`);
    for (const dependency of step.dependencies) {
      if (!byName.has(dependency))
        problems.push(`${here} depends on unknown step '${dependency}'${didYouMean(dependency, [...byName.keys()])}`);
    }
    if (step.type === 'decision' && !step.dependencies.length)
      problems.push(`${here}: a decision needs at least one dependency`);
    if (step.type === 'batch_worker') {
      const missing = BATCH_KEYS.filter((key) => step.batchConfig?.[key] === undefined);
      if (missing.length)
        problems.push(
          `${here}: batch_config lacks ${missing.join(', ')}; Core would create no workers and end the task as complete`,
        );
    }
    if (step.type === 'batchable') {
      const worker = byName.get(String(step.initialization.worker_template_name));
      if (worker?.type !== 'batch_worker') {
        problems.push(
          `${here}: handler.initialization.worker_template_name must name the batch_worker step, or the steps after an empty batch are left out`,
        );
      }
    }
  }
  const circle = cycle(byName);
  if (circle) problems.push(`${file}: dependency cycle: ${circle.join(' -> ')}`);
}

function cycle(steps: Map<string, TemplateStep>): string[] | undefined {
  const done = new Set<string>();
  const visit = (name: string, trail: string[]): string[] | undefined => {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const dependency of steps.get(name)?.dependencies ?? []) {
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

function unknown(raw: Raw, known: readonly string[], where: string, problems: string[]): void {
  for (const key of Object.keys(raw)) {
    if (!known.includes(key))
      problems.push(`${where}: unknown key '${key}', which Core would ignore${didYouMean(key, known)}`);
  }
}

function isMapping(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
