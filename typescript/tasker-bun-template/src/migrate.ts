/** `bun src/migrate.ts` brings the tables up to date: a step of the deployment, and never of a start. */

import { openDatabase } from './database.ts';
import { migrate } from './migrations.ts';
import { loadSettings } from './process.ts';

const sql = openDatabase(loadSettings());
try {
  const run = await migrate(sql);
  console.log(run.length ? `migrated: ${run.join(', ')}` : 'up to date');
} catch (error) {
  console.error(`error: ${(error as Error).message || error}`);
  process.exitCode = 1;
} finally {
  await sql.end({ timeout: 5 });
}
