/** The pool of this process. */

import postgres from 'postgres';
import type { Settings } from './settings.ts';

export type Sql = postgres.Sql;

/** It connects when it is first used. The tables are in the schema `app`: in Tasker's database they would be among Tasker's. */
export function openDatabase({ APP_DATABASE_URL, DB_POOL_SIZE }: Settings): Sql {
  return postgres(APP_DATABASE_URL, {
    max: DB_POOL_SIZE,
    connect_timeout: 10,
    connection: { application_name: 'app' },
    onnotice: () => {},
  });
}
