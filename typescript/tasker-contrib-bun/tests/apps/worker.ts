/** A worker for tests of processes: `price` ends at once, `pack` when the file GATE is there. Commands come on stdin. */

import { existsSync } from 'node:fs';
import { defineStep, TaskerServer } from '../../src/index.ts';
import { control } from '../double/core.ts';
import { claimed } from '../double/steps.ts';

const price = defineStep('shop.price', {}, () => ({ cents: 1 }));
const pack = defineStep('shop.pack', {}, async ({ signal }) => {
  while (!existsSync(process.env.GATE ?? '') && !signal.aborted) await Bun.sleep(5);
});

const server = new TaskerServer({
  mode: 'worker',
  handlers: [price, pack],
  templates: 'tests/fixtures/tasks',
  eventStream: true,
});
const place = globalThis as { generation?: number };
place.generation = (place.generation ?? 0) + 1;
server.events.on('worker:draining', () => console.log('DRAINING'));
server.events.on('worker:stopped', (event) => console.log(`STOPPED ${JSON.stringify(event)}`));
server.events.on('step:started', (event) => console.log(`STARTED ${event.handler}`));
try {
  await server.start();
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
if (place.generation === 1) {
  for (const callable of (process.env.STEPS ?? '').split(',').filter(Boolean))
    control.queue.push(claimed({ callable }));
}
console.log(`READY ${server.url} generation ${place.generation} boots ${control.boots.length}`);
