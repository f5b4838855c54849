/** Options → settings: every value with its source, checked against Core's own ranges. */

import { existsSync } from 'node:fs';
import { check, show, type Value } from './config-value.ts';
import { CONFIG_KEYS, type ConfigKey, SETTINGS } from './contract.ts';
import { TaskerConfigError } from './errors.ts';
import type { TaskerOptions } from './options.ts';
import { didYouMean } from './suggest.ts';

type Env = Record<string, string | undefined>;

/** What was decided. */
export interface Settings {
  mode: 'auto' | 'worker' | 'client';
  templates: string;
  drainTimeout: number;
  logLevel: string;
  databaseConfigured: boolean;
  /** The database with the name of what set it. */
  database: { url: string; source: string; connectTimeoutMs: number };
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
  /** Problems of workers only: the form of the app's own `DATABASE_URL`. */
  workerProblems: readonly string[];
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
const DATABASE = 'common.database.url';
/** It may be the app's own: one that only creates tasks can have another kind of database there. */
const APP_OWN = 'DATABASE_URL';
/** Core's section for the client of the orchestration server. */
export const CLIENT = 'worker.orchestration_client';

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
  const sources = new Map<string, string>();
  const workerProblems: string[] = [];
  const set = (path: string, value: unknown, source: string, list = problems) => {
    const checked = check(path, value, source, list);
    if (checked === undefined) return;
    core.set(path, checked);
    sources.set(path, source);
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
    else if (also && env[also]) set(setting.path, env[also], also, also === APP_OWN ? workerProblems : problems);
  }
  const value = (path: string) => core.get(path) ?? (CONFIG_KEYS[path] as ConfigKey).default;
  const settings: Settings = {
    mode: own('mode') as Settings['mode'],
    templates: own('templates') as string,
    drainTimeout: own('drainTimeout') as number,
    logLevel: own('logLevel') as string,
    databaseConfigured: core.has(DATABASE) || workerProblems.length > 0,
    database: {
      url: String(value(DATABASE)),
      source: sources.get(DATABASE) ?? 'the default of database.url (DATABASE_URL)',
      connectTimeoutMs: 1000 * Number(value('common.database.pool.acquire_timeout_seconds')),
    },
    concurrency: Number(value('worker.mpsc_channels.handler_dispatch.max_concurrent_handlers')),
    orchestration: {
      url: String(value(`${CLIENT}.base_url`)),
      timeoutMs: Number(value(`${CLIENT}.timeout_ms`)),
      maxRetries: Number(value(`${CLIENT}.max_retries`)),
      token: (own('orchestration.token') as string) || undefined,
      apiKey: (own('orchestration.apiKey') as string) || undefined,
    },
    core,
    workerProblems,
  };
  if (problems.length) throw new TaskerConfigError([...problems, ...workerProblems]);
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
