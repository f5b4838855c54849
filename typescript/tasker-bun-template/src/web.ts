/** `bun src/web.ts` answers requests. It creates tasks and runs no steps. */

import { TaskerServer } from 'tasker-contrib-bun';
import { openDatabase } from './database.ts';
import { SqlDocuments } from './documents/store.ts';
import { configureLogs, loadSettings, started, stopOnSignal } from './process.ts';
import { SqlUsers } from './users.ts';
import { createApp } from './web/app.ts';
import { clientAddress } from './web/limits.ts';

const settings = loadSettings();
configureLogs(settings.LOG_LEVEL);
const sql = openDatabase(settings);
const app = createApp({ settings, documents: new SqlDocuments(sql), users: new SqlUsers(sql) });
const proxies = settings.FORWARDED_ALLOW_IPS.split(',');

const server = new TaskerServer({
  mode: 'client',
  signals: false,
  routes: {
    '/*': (request, http) => {
      const peer = http.requestIP(request)?.address ?? 'unknown';
      return app.fetch(request, { address: clientAddress(peer, request.headers.get('x-forwarded-for'), proxies) });
    },
  },
});
stopOnSignal(
  () => server.stop(),
  () => sql.end({ timeout: 5 }),
);
await started(server);
