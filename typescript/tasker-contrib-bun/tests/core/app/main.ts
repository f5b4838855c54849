/** An app on the real package, for the tests beside it. */

import { join } from 'node:path';
import { TaskerServer } from '../../../src/index.ts';

const place = globalThis as { generation?: number };
place.generation = (place.generation ?? 0) + 1;
const server = new TaskerServer({
  eventStream: true,
  port: 0,
  handlers: join(import.meta.dir, 'handlers'),
  templates: join(import.meta.dir, 'tasks'),
});
if (place.generation === 1) {
  server.events.on('*', (event) => {
    if (['domain:event', 'worker:stopped'].includes(event.name)) console.log(`EVENT ${JSON.stringify(event)}`);
  });
}
try {
  await server.start();
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
console.log(`READY ${server.url} generation ${place.generation}`);
