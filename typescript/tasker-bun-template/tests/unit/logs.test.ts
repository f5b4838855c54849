import { expect, setDefaultTimeout, test } from 'bun:test';
import { PATIENCE } from '../support/until.ts';

setDefaultTimeout(PATIENCE);

test('logs are JSON with ids, also those of packages', async () => {
  const script = `
    import { logger, stepLogger, withRequestId } from './src/logs.ts';
    import { configureLogs } from './src/process.ts';
    configureLogs('info');
    withRequestId('r-1', () => logger.info({ status: 202 }, 'stored'));
    stepLogger({ taskUuid: 't-1', stepUuid: 's-1', name: 'scan' }).info('scanned');
    console.warn('from a %s', 'package');
    console.debug('not shown');
  `;
  const run = Bun.spawn([process.execPath, '-e', script], {
    cwd: `${import.meta.dir}/../..`,
    stdout: 'pipe',
    timeout: PATIENCE / 2,
  });
  const lines = (await new Response(run.stdout).text()).trim().split('\n');
  expect(await run.exited).toBe(0);
  const parsed = lines.map((line) => JSON.parse(line));
  for (const { time } of parsed) expect(new Date(time).getTime()).toBeGreaterThan(0);
  expect(parsed.map(({ time, ...rest }) => rest)).toEqual([
    { level: 'info', message: 'stored', request_id: 'r-1', status: 202 },
    { level: 'info', message: 'scanned', task_uuid: 't-1', step_uuid: 's-1', step: 'scan' },
    { level: 'warn', message: 'from a package' },
  ]);
});
