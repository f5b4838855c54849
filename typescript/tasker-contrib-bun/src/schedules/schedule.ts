/** What a schedule is, and when it is due. */

// croner: no dependencies, MIT, and it treats changes of the clock as the shared cases want it.
import { Cron } from 'croner';

/** One recurring task. */
export interface Schedule {
  /** Its key in the file. */
  readonly name: string;
  readonly namespace: string;
  /** The template. */
  readonly task: string;
  readonly version: string;
  /** Five fields, in `timeZone`; or `everyMs`. */
  readonly cron: string | undefined;
  /** Milliseconds, counted from 1970-01-01T00:00:00Z. */
  readonly everyMs: number | undefined;
  /** An IANA name. */
  readonly timeZone: string;
  /** Of each task; the slot is added as `scheduled_for`. */
  readonly context: Readonly<Record<string, unknown>>;
  /** Which slots are made up for that no scheduler saw, or for which the server was away. */
  readonly missed: 'skip' | 'one' | 'all';
  /** How old a slot may be, in milliseconds, when its task is created. */
  readonly windowMs: number;
  readonly paused: boolean;
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `90s`, `15m`, `6h` or `2d`; undefined for anything else. */
export function spanOf(text: string): number | undefined {
  const found = /^(\d{1,6})([smhd])$/.exec(text);
  const span = Number(found?.[1]) * (UNITS[found?.[2] ?? ''] ?? 0);
  return span > 0 ? span : undefined;
}

/** Why a text is not a cron line; undefined if it is one. */
export function cronProblem(line: string): string | undefined {
  if (line.trim().split(/\s+/).length !== 5) {
    return `'${line}' must have five fields: minute, hour, day of month, month, day of week`;
  }
  try {
    return cron(line, 'UTC').nextRun(new Date(0)) ? undefined : `'${line}' is never due`;
  } catch (error) {
    return `'${line}' is not a cron line: ${(error as Error).message}`;
  }
}

/** Whether the runtime has a time zone of this name. */
export function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** The slots of a schedule after an instant, for ever. */
export function* slotsAfter({ cron: line, everyMs, timeZone }: Schedule, after: Date): Generator<Date> {
  if (everyMs !== undefined) {
    for (let slot = Math.floor(after.getTime() / everyMs) + 1; ; slot++) yield new Date(slot * everyMs);
  }
  const job = cron(line ?? '', timeZone);
  for (let slot = job.nextRun(after); slot; slot = job.nextRun(slot)) yield slot;
}

/** A slot as it is in the context: `2026-12-01T06:00:00Z`. */
export function slotText(slot: Date): string {
  return `${slot.toISOString().slice(0, 19)}Z`;
}

function cron(line: string, timezone: string): Cron {
  return new Cron(line, { timezone, paused: true });
}
