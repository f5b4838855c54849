/** Options → settings: every value with its source, checked against Core's own ranges, and Core's complete file. */

import { existsSync } from 'node:fs';
import { CONFIG_KEYS, CORE_VERSION, type ConfigKey, OPTIONAL_SECTIONS, PATTERNS, SETTINGS } from './contract.ts';
import { TaskerConfigError } from './errors.ts';

/** Settings that are options of `TaskerServer`. Each can be an environment variable, too; the option wins. */
export interface TaskerOptions {
  /** `worker` runs steps, `client` never loads the native module, `auto` decides. Default: `auto`. `TASKER_MODE` */
  mode?: 'auto' | 'worker' | 'client';
  /** Directory of the task templates. Default: `config/tasks`. `TASKER_TEMPLATE_PATH` */
  templates?: string;
  /** Seconds that running steps get at a stop. Default: 30. `TASKER_DRAIN_TIMEOUT` */
  drainTimeout?: number;
  /** Core's own log: error, warn, info, debug or trace. Default: warn. `TASKER_LOG_LEVEL` */
  logLevel?: string;
  /** test, development or production; shown in status. Default: development. `TASKER_ENVIRONMENT` */
  environment?: string;
  database?: {
    /** `postgresql://user:password@host:port/database`. `TASKER_DATABASE__URL`, `DATABASE_URL` */
    url?: string;
    /** Largest number of connections. Default: 25. `TASKER_DATABASE__POOL_SIZE` */
    poolSize?: number;
    /** Connections opened at start. Default: 5. `TASKER_DATABASE__MIN_CONNECTIONS` */
    minConnections?: number;
    /** Seconds. Default: 10. `TASKER_DATABASE__CONNECT_TIMEOUT` */
    connectTimeout?: number;
    /** Seconds. Default: 300. `TASKER_DATABASE__IDLE_TIMEOUT` */
    idleTimeout?: number;
    /** Seconds. Default: 1800. `TASKER_DATABASE__MAX_LIFETIME` */
    maxLifetime?: number;
  };
  orchestration?: {
    /** REST API. Default: `http://127.0.0.1:8080`. `TASKER_ORCHESTRATION__URL`, `TASKER_ORCHESTRATION_URL` */
    url?: string;
    /** Milliseconds for one call. Default: 30000. `TASKER_ORCHESTRATION__TIMEOUT_MS` */
    timeoutMs?: number;
    /** Repetitions. Default: 3. `TASKER_ORCHESTRATION__MAX_RETRIES` */
    maxRetries?: number;
    /** Bearer token. `TASKER_ORCHESTRATION__TOKEN` */
    token?: string;
    /** API key, in the header `X-API-Key`. `TASKER_ORCHESTRATION__API_KEY` */
    apiKey?: string;
  };
  worker?: {
    /** Steps at the same time; more wait in Core. Default: 10. `TASKER_WORKER__CONCURRENCY` */
    concurrency?: number;
    /** How steps reach the worker. Default: `PollingOnly`. `TASKER_WORKER__DELIVERY` */
    delivery?: string;
  };
  queues?: {
    /** pgmq or rabbitmq. Default: pgmq. `TASKER_QUEUES__BACKEND` */
    backend?: string;
    /** Prefix of worker queues. Default: worker. `TASKER_QUEUES__WORKER_NAMESPACE` */
    workerNamespace?: string;
    /** Seconds. Default: 30. `TASKER_QUEUES__VISIBILITY_TIMEOUT` */
    visibilityTimeout?: number;
  };
  /** Any key of Core by its dotted path. */
  core?: Record<string, unknown>;
}

type Value = string | number | boolean | readonly (string | number)[];
type Env = Record<string, string | undefined>;

/** What was decided. */
export interface Settings {
  mode: 'auto' | 'worker' | 'client';
  templates: string;
  drainTimeout: number;
  logLevel: string;
  databaseConfigured: boolean;
  concurrency: number;
  orchestration: {
    url: string;
    timeoutMs: number;
    maxRetries: number;
    token: string | undefined;
    apiKey: string | undefined;
  };
  /** Values of Core's keys that were set, by path. */
  core: ReadonlyMap<string, Value>;
}

interface Own {
  env: string;
  default: string | number;
  choices?: string[];
}

const OWN: Record<string, Own> = {
  mode: { env: 'TASKER_MODE', default: 'auto', choices: ['auto', 'worker', 'client'] },
  templates: { env: 'TASKER_TEMPLATE_PATH', default: 'config/tasks' },
  drainTimeout: { env: 'TASKER_DRAIN_TIMEOUT', default: 30 },
  logLevel: { env: 'TASKER_LOG_LEVEL', default: 'warn', choices: ['error', 'warn', 'info', 'debug', 'trace'] },
  'orchestration.token': { env: 'TASKER_ORCHESTRATION__TOKEN', default: '' },
  'orchestration.apiKey': { env: 'TASKER_ORCHESTRATION__API_KEY', default: '' },
};
const ALSO: Record<string, string> = {
  'database.url': 'DATABASE_URL',
  'orchestration.url': 'TASKER_ORCHESTRATION_URL',
};
const CLIENT = 'worker.orchestration_client';
const DELIVERY = 'worker.event_systems.worker.deployment_mode';

/**
 * Check options and environment.
 *
 * @throws {@link TaskerConfigError} with every problem.
 */
export function resolveSettings(options: TaskerOptions, env: Env = process.env): Settings {
  const problems: string[] = [];
  const given = flatten(options as Record<string, unknown>);
  const known = [...Object.keys(SETTINGS), ...Object.keys(OWN)];
  for (const name of given.keys()) {
    if (!known.includes(name)) problems.push(`unknown option ${name}${didYouMean(name, known)}`);
  }
  const variables = [
    ...Object.values(SETTINGS).map((setting) => setting.env),
    ...Object.values(OWN).map((own) => own.env),
  ];
  for (const name of Object.keys(env)) {
    if (name.startsWith('TASKER_') && name.includes('__') && !variables.includes(name)) {
      problems.push(`unknown environment variable ${name}${didYouMean(name, variables)}`);
    }
  }
  const own = (name: string): string | number => {
    const rule = OWN[name] as Own;
    const value = given.get(name) ?? (env[rule.env] || undefined) ?? rule.default;
    const source = given.has(name) ? name : rule.env;
    if (rule.choices && !rule.choices.includes(String(value))) {
      problems.push(
        `${source} = ${show(value)} must be one of ${rule.choices.join(', ')}${didYouMean(String(value), rule.choices)}`,
      );
    }
    if (typeof rule.default === 'number') {
      const number = Number(value);
      if (!(number >= 0)) problems.push(`${source} = ${show(value)} must be a number, 0 or more`);
      return number;
    }
    return String(value);
  };
  const core = new Map<string, Value>();
  const set = (path: string, value: unknown, source: string) => {
    const checked = check(path, value, source, problems);
    if (checked !== undefined) core.set(path, checked);
  };
  for (const [path, value] of Object.entries(options.core ?? {})) {
    const paths = Object.keys(CONFIG_KEYS);
    if (!paths.includes(path)) problems.push(`unknown key of Core core['${path}']${didYouMean(path, paths)}`);
    else set(path, value, `core['${path}']`);
  }
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const also = ALSO[name];
    if (given.has(name)) set(setting.path, given.get(name), name);
    else if (env[setting.env]) set(setting.path, env[setting.env], setting.env);
    else if (also && env[also]) set(setting.path, env[also], also);
  }
  const value = (path: string) => core.get(path) ?? (CONFIG_KEYS[path] as ConfigKey).default;
  const settings: Settings = {
    mode: own('mode') as Settings['mode'],
    templates: own('templates') as string,
    drainTimeout: own('drainTimeout') as number,
    logLevel: own('logLevel') as string,
    databaseConfigured: core.has('common.database.url'),
    concurrency: Number(value('worker.mpsc_channels.handler_dispatch.max_concurrent_handlers')),
    orchestration: {
      url: String(value(`${CLIENT}.base_url`)),
      timeoutMs: Number(value(`${CLIENT}.timeout_ms`)),
      maxRetries: Number(value(`${CLIENT}.max_retries`)),
      token: (own('orchestration.token') as string) || undefined,
      apiKey: (own('orchestration.apiKey') as string) || undefined,
    },
    core,
  };
  if (problems.length) throw new TaskerConfigError(problems);
  return settings;
}

/** Whether this process runs steps, and why. One pure decision; the server logs it. */
export function decideMode(
  settings: Settings,
  facts: { testing: boolean; hasTemplates: boolean },
): { mode: 'worker' | 'client'; reason: string } {
  if (settings.mode !== 'auto') return { mode: settings.mode, reason: `mode is '${settings.mode}'` };
  if (facts.testing) return { mode: 'client', reason: "bun test is running; set mode: 'worker' to run steps in it" };
  if (!settings.databaseConfigured) return { mode: 'client', reason: 'database.url (DATABASE_URL) is not set' };
  if (!facts.hasTemplates) return { mode: 'client', reason: `the directory ${settings.templates} does not exist` };
  return { mode: 'worker', reason: 'a database and task templates are configured' };
}

/** The facts of this process for {@link decideMode}. */
export function processFacts(settings: Settings): { testing: boolean; hasTemplates: boolean } {
  return { testing: process.env.NODE_ENV === 'test', hasTemplates: existsSync(settings.templates) };
}

/** The complete file for Core, with literal values only: no placeholder means nothing that Core could refuse. */
export function workerToml(settings: Settings): string {
  const { core, orchestration } = settings;
  const wanted = (section: string) =>
    section === CLIENT || [...core.keys()].some((path) => path.startsWith(`${section}.`));
  const values = new Map<string, Value>();
  for (const [path, key] of Object.entries(CONFIG_KEYS)) {
    if (path.startsWith('orchestration.')) continue;
    if (Object.keys(OPTIONAL_SECTIONS).some((section) => path.startsWith(`${section}.`) && !wanted(section))) continue;
    values.set(path, core.get(path) ?? key.default);
  }
  // Two workers of a namespace would run steps twice with Core's notifications.
  if (!core.has(DELIVERY)) values.set(DELIVERY, 'PollingOnly');
  if (orchestration.token) {
    values.set(`${CLIENT}.auth.type`, 'bearer');
    values.set(`${CLIENT}.auth.token`, orchestration.token);
  } else if (orchestration.apiKey) {
    values.set(`${CLIENT}.auth.type`, 'api_key');
    values.set(`${CLIENT}.auth.key`, orchestration.apiKey);
    values.set(`${CLIENT}.auth.header_name`, 'X-API-Key');
  }
  const sections = new Map<string, string[]>();
  for (const [path, value] of values) {
    const dot = path.lastIndexOf('.');
    const section = path.slice(0, dot);
    const lines = sections.get(section) ?? [];
    const isFloat = CONFIG_KEYS[path]?.type === 'float';
    lines.push(`${path.slice(dot + 1)} = ${literal(value, isFloat)}`);
    sections.set(section, lines);
  }
  const body = [...sections].map(([section, lines]) => `[${section}]\n${lines.join('\n')}\n`);
  return `# Configuration of a Tasker ${CORE_VERSION} worker, rendered by tasker-contrib-bun.\n\n${body.join('\n')}`;
}

function literal(value: unknown, isFloat: boolean): string {
  if (Array.isArray(value)) return `[${value.map((item) => literal(item, isFloat)).join(', ')}]`;
  if (typeof value === 'number') return isFloat && Number.isInteger(value) ? `${value}.0` : String(value);
  if (typeof value === 'boolean') return String(value);
  // Core replaces ${NAME} in the raw text of the file, so no dollar sign may be seen there.
  return JSON.stringify(String(value)).replaceAll('\x7f', '\\u007f').replaceAll('$', '\\u0024');
}

function check(path: string, given: unknown, source: string, problems: string[]): Value | undefined {
  const key = CONFIG_KEYS[path] as ConfigKey;
  const bad = (rule: string) => {
    const shown = /url|token|key/i.test(source) ? mask(given) : show(given);
    problems.push(`${source} = ${shown} ${rule}`);
    return undefined;
  };
  const fromText = typeof given === 'string';
  switch (key.type) {
    case 'bool': {
      const value = fromText ? { true: true, false: false }[given.toLowerCase()] : given;
      return typeof value === 'boolean' ? value : bad('must be true or false');
    }
    case 'int':
    case 'float': {
      const value = fromText && given.trim() !== '' ? Number(given) : given;
      if (typeof value !== 'number' || !Number.isFinite(value)) return bad('must be a number');
      if (key.type === 'int' && !Number.isInteger(value)) return bad('must be a whole number');
      if ((key.min !== undefined && value < key.min) || (key.max !== undefined && value > key.max)) {
        return bad(`must be ${key.min ?? 'any number'} to ${key.max ?? 'any number'}`);
      }
      return value;
    }
    case 'str': {
      if (!fromText) return bad('must be a text');
      if (key.choices && !key.choices.includes(given)) {
        return bad(`must be one of ${key.choices.join(', ')}${didYouMean(given, key.choices)}`);
      }
      const pattern = key.pattern ? PATTERNS[key.pattern] : undefined;
      if (pattern && !pattern.regex.test(given)) return bad(`must look like ${pattern.doc}${correctedUrl(given)}`);
      return given;
    }
    default: {
      const wanted = key.type === 'int_list' ? 'number' : 'string';
      const fits = Array.isArray(given) && given.every((item) => typeof item === wanted);
      return fits ? (given as string[]) : bad(`must be a list of ${wanted}s`);
    }
  }
}

function correctedUrl(url: string): string {
  return /^postgres(\+\w+)?:\/\//.test(url) ? "; begin it with 'postgresql://'" : '';
}

function mask(value: unknown): string {
  return show(typeof value === 'string' ? value.replace(/:\/\/([^:/@]*):[^@]*@/, '://$1:***@') : value);
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

function flatten(options: Record<string, unknown>, prefix = ''): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || (!prefix && name === 'core')) continue;
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      for (const [inner, item] of flatten(value as Record<string, unknown>, `${prefix}${name}.`)) flat.set(inner, item);
    } else flat.set(`${prefix}${name}`, value);
  }
  return flat;
}

/** ` (did you mean …?)` for the nearest of the known names, if one is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  const scored = known.map((other) => ({ other, distance: distance(name.toLowerCase(), other.toLowerCase()) }));
  const best = scored.sort((a, b) => a.distance - b.distance)[0];
  return best && best.distance <= Math.max(2, name.length / 4) ? ` (did you mean ${best.other}?)` : '';
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, change));
    }
    row = next;
  }
  return row[b.length] as number;
}
