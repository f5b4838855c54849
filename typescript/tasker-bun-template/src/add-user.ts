/** `bun src/add-user.ts EMAIL [--reviewer]` adds somebody who may sign in; the password is the first line of the standard input. */

import { parseArgs } from 'node:util';
import { openDatabase } from './database.ts';
import { loadSettings } from './process.ts';
import { addUser } from './users.ts';

const options = { reviewer: { type: 'boolean', default: false } } as const;
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const [email = ''] = positionals;
const [password = ''] = (await Bun.stdin.text()).split('\n');
const sql = openDatabase(loadSettings());
try {
  const problem = await addUser(sql, email, password, values.reviewer);
  if (problem) throw new Error(problem);
  console.log(`added ${email}`);
} catch (error) {
  console.error(`error: ${(error as Error).message || error}`);
  process.exitCode = 1;
} finally {
  await sql.end({ timeout: 5 });
}
