import { expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { slotText, spanOf } from '../../src/schedules/schedule.ts';
import { type Schedule, slotsAfter } from '../../src/schedules.ts';

setDefaultTimeout(60_000);

interface Case {
  name: string;
  cron?: string;
  every?: string;
  time_zone?: string;
  after: string;
  slots: string[];
}

const cases: Case[] = JSON.parse(
  readFileSync(join(import.meta.dir, '../../../../xtask/contract/schedule-cases/cases.json'), 'utf8'),
);

function schedule(cron: string | undefined, everyMs?: number, timeZone = 'UTC'): Schedule {
  return {
    name: 's',
    namespace: 'ns',
    task: 't',
    version: '1.0.0',
    cron,
    everyMs,
    timeZone,
    context: {},
    missed: 'one',
    windowMs: 0,
    paused: false,
  };
}

function take(entry: Schedule, after: Date, count: number): Date[] {
  const found: Date[] = [];
  for (const slot of slotsAfter(entry, after)) {
    if (found.length === count) break;
    found.push(slot);
  }
  return found;
}

test.each(cases.map((found) => [found.name, found] as const))('%s', (_, { cron, every, time_zone, after, slots }) => {
  const entry = schedule(cron, every === undefined ? undefined : spanOf(every), time_zone);
  expect(take(entry, new Date(after), slots.length).map(slotText)).toEqual(slots);
});

test.each(['Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'UTC'])(
  'a daily job runs once on each day of ten years: %s',
  (timeZone) => {
    const day = new Intl.DateTimeFormat('sv-SE', { timeZone });
    const days = take(schedule('30 2 * * *', undefined, timeZone), new Date('2020-01-01T12:00:00Z'), 3650).map((slot) =>
      day.format(slot),
    );
    expect(new Set(days).size).toBe(3650);
    expect(Date.parse(days.at(-1) as string) - Date.parse(days[0] as string)).toBe(3649 * 86_400_000);
  },
);

test('slots ascend and do not depend on where one begins', () => {
  const lines = fc.constantFrom('*/7 * * * *', '0 */5 * * *', '30 2 * * *', '15 1 1 * *', '0 0 * * 1-5');
  const zones = fc.constantFrom('Europe/Paris', 'America/New_York', 'Asia/Kolkata', 'UTC');
  const instants = fc.date({ min: new Date('2020-01-01'), max: new Date('2035-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(lines, zones, instants, (line, zone, after) => {
      const entry = schedule(line, undefined, zone);
      const slots = take(entry, after, 4);
      for (const [index, slot] of slots.entries()) {
        const before = index ? (slots[index - 1] as Date) : after;
        expect(slot.getTime()).toBeGreaterThan(before.getTime());
        expect(take(entry, new Date(slot.getTime() - 1), 1)).toEqual([slot]);
      }
    }),
  );
});
