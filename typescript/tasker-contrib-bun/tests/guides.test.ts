import { expect, setDefaultTimeout, test } from 'bun:test';
import { fakeClient } from '../src/testing/index.ts';
import { createTodaysReport } from './guides/daily-report.ts';

setDefaultTimeout(60_000);

// What docs/guides/run-a-job-every-day.md quotes.
test('a day has one report, however often it is created', async () => {
  const client = fakeClient();
  const before = new Date().toISOString().slice(0, 10);
  await createTodaysReport(client);
  await createTodaysReport(client);
  const after = new Date().toISOString().slice(0, 10);
  // Two, if midnight passed in between.
  expect(client.created.length).toBe(new Set([before, after]).size);
  expect(client.created[0]).toMatchObject({ namespace: 'reports', name: 'daily_report' });
  expect([before, after]).toContain(client.created[0]?.context?.day as string);
});

test('another failure is not hidden', async () => {
  const client = fakeClient();
  client.failNext('server');
  await expect(createTodaysReport(client)).rejects.toThrow();
});
