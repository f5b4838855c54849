/**
 * Settings of the application, typed, from the environment.
 *
 * Everything about Tasker itself (`DATABASE_URL`, `TASKER_…`) belongs to tasker-contrib-bun.
 */

import { z } from 'zod';

export const EXAMPLE_SECRET = 'example-secret-for-development-only';
const EXAMPLE_PASSWORDS = ['app', 'postgres', 'tasker', 'password'];

/** `JSON.parse` for a list in a variable. */
const jsonList = z.preprocess((text, context) => {
  try {
    return typeof text === 'string' ? JSON.parse(text) : text;
  } catch {
    context.addIssue({ code: 'custom', message: 'is not a JSON list such as ["https://example.org"]' });
    return z.NEVER;
  }
}, z.array(z.string()));

const rate = z.templateLiteral([z.int().positive(), '/', z.enum(['second', 'minute', 'hour'])]);

/** One key for each variable. */
const Variables = z.object({
  APP_ENV: z.enum(['development', 'test', 'production']).default('development'),
  // The application's own database. Tasker's is DATABASE_URL, and only the worker needs that one.
  APP_DATABASE_URL: z.string().default('postgresql://app:app@127.0.0.1:5432/app'),
  // Connections of one process. A worker needs as many as it runs steps at the same time.
  DB_POOL_SIZE: z.coerce.number().int().min(1).max(100).default(10),
  JWT_SECRET: z.string().default(EXAMPLE_SECRET),
  TOKEN_MINUTES: z.coerce.number().int().min(1).max(1440).default(30),
  MAX_UPLOAD_BYTES: z.coerce.number().int().min(1).default(5_000_000),
  // Origins of browsers that may call the API, as a JSON list. None may unless it is here.
  CORS_ORIGINS: jsonList.default([]),
  // For each client address and for each user. Each process counts for itself.
  LOGIN_RATE: rate.default('10/minute'),
  UPLOAD_RATE: rate.default('60/minute'),
  // Addresses of proxies whose X-Forwarded-For is believed, with commas between them.
  FORWARDED_ALLOW_IPS: z.string().default('127.0.0.1'),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

export type Settings = z.infer<typeof Variables>;
export type Rate = Settings['LOGIN_RATE'];

/** What is wrong with the settings, a line for each mistake. Values are not shown: they may be secrets. */
export class SettingsError extends Error {}

/**
 * Read the settings.
 *
 * @throws {@link SettingsError} one is wrong, or an example value in production.
 */
export function readSettings(environment: Record<string, string | undefined>): Settings {
  const given = Object.entries(environment).filter(([, value]) => value !== undefined && value !== '');
  const parsed = Variables.safeParse(Object.fromEntries(given));
  const problems = parsed.success
    ? refusals(parsed.data, environment.DATABASE_URL)
    : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  if (!parsed.success || problems.length) throw new SettingsError(problems.join('\nerror: '));
  return parsed.data;
}

function refusals(settings: Settings, taskerUrl: string | undefined): string[] {
  const password = passwordIn(settings.APP_DATABASE_URL);
  if (password === undefined) {
    return ['APP_DATABASE_URL is not a URL such as postgresql://user:password@host:5432/name'];
  }
  if (settings.APP_ENV !== 'production') return [];
  const isExample = (text: string | undefined) => text !== undefined && EXAMPLE_PASSWORDS.includes(text);
  const found = [
    settings.JWT_SECRET === EXAMPLE_SECRET && 'JWT_SECRET has its example value',
    Buffer.byteLength(settings.JWT_SECRET) < 32 && 'JWT_SECRET has fewer than 32 bytes',
    (password === '' || isExample(password)) && 'the password in APP_DATABASE_URL is an example value',
    isExample(passwordIn(taskerUrl)) && 'the password in DATABASE_URL is an example value',
  ];
  const fix = 'which APP_ENV=production refuses; `openssl rand -base64 36` makes a good one';
  return found.filter((what) => typeof what === 'string').map((what) => `${what}, ${fix}`);
}

/** Empty if there is none; undefined if it is not a PostgreSQL URL. */
function passwordIn(url: string | undefined): string | undefined {
  const parsed = URL.parse(url ?? '');
  if (!parsed || !/^postgres(ql)?:$/.test(parsed.protocol)) return undefined;
  return decodeURIComponent(parsed.password);
}
