/** The application with everything in memory, and people who are signed in. */

import { readSettings } from '../../src/settings.ts';
import { newUser } from '../../src/users.ts';
import { createApp } from '../../src/web/app.ts';
import { makeToken } from '../../src/web/auth.ts';
import { MemoryDocuments, MemoryUsers } from './fakes.ts';

export const PASSWORD = 'correct horse battery';
export const NOWHERE = '7d6e5a0c-0000-4000-8000-000000000000';

// Hashing is slow on purpose, so they are made once.
export const people = {
  ann: await newUser('ann@example.org', PASSWORD),
  bob: await newUser('bob@example.org', PASSWORD),
  rita: await newUser('rita@example.org', PASSWORD, true),
};
export type Person = keyof typeof people;

export async function memoryApp(variables: Record<string, string> = {}) {
  const settings = readSettings({
    APP_ENV: 'test',
    MAX_UPLOAD_BYTES: '1000',
    LOGIN_RATE: '4/minute',
    UPLOAD_RATE: '5/minute',
    ...variables,
  });
  const documents = new MemoryDocuments();
  const app = createApp({ settings, documents, users: new MemoryUsers(Object.values(people)) });
  const bearer = async (name: Person) => ({ Authorization: `Bearer ${await makeToken(people[name].id, settings)}` });
  const tokens = { ann: await bearer('ann'), bob: await bearer('bob'), rita: await bearer('rita') };
  return { app, settings, documents, tokens };
}
