import { expect, setDefaultTimeout, test } from 'bun:test';
import { SignJWT, UnsecuredJWT } from 'jose';
import { memoryApp, NOWHERE, PASSWORD, people } from '../support/app.ts';
import { PATIENCE } from '../support/until.ts';

setDefaultTimeout(PATIENCE);

type App = Awaited<ReturnType<typeof memoryApp>>['app'];

const signIn = (app: App, username: string, password: string) =>
  app.request('/token', { method: 'POST', body: new URLSearchParams({ username, password }) });

test('a token opens the API', async () => {
  const { app } = await memoryApp();
  const answer = await signIn(app, 'Ann@Example.org', PASSWORD);
  expect(answer.status).toBe(200);
  const token = (await answer.json()) as Record<string, string>;
  expect(token).toMatchObject({ token_type: 'bearer', expires_in: 1800 });
  const headers = { Authorization: `Bearer ${token.access_token}` };
  expect((await app.request('/documents', { headers })).status).toBe(200);
});

test('what is wrong is not told', async () => {
  const { app } = await memoryApp();
  for (const [email, password] of [
    ['ann@example.org', 'wrong'],
    ['nobody@example.org', PASSWORD],
  ] as const) {
    const answer = await signIn(app, email, password);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    expect(await answer.json()).toEqual({ detail: 'wrong e-mail address or password' });
  }
  expect((await app.request('/token', { method: 'POST' })).status).toBe(422);
});

test('guessing passwords is slowed down', async () => {
  const { app } = await memoryApp();
  const statuses: number[] = [];
  for (let attempt = 0; attempt < 5; attempt++) {
    statuses.push((await signIn(app, 'ann@example.org', 'wrong')).status);
  }
  expect(statuses).toEqual([401, 401, 401, 401, 429]);
  const refused = await signIn(app, 'ann@example.org', PASSWORD);
  expect(Number(refused.headers.get('retry-after'))).toBeWithin(1, 61);
  expect(await refused.json()).toEqual({ detail: expect.stringMatching(/^more than 4\/minute: try again in \d+ s$/) });
});

test('a wrong token opens nothing', async () => {
  const { app, settings } = await memoryApp();
  const now = Math.floor(Date.now() / 1000);
  const right = { sub: people.ann.id, iss: 'app', iat: now, exp: now + 60 };
  const status = async (token: string) =>
    (await app.request('/documents', { headers: { Authorization: `Bearer ${token}` } })).status;
  const sign = (claims: object, secret = settings.JWT_SECRET) =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(secret));
  expect(await status(await sign(right))).toBe(200);
  for (const wrong of [{ exp: now - 1 }, { iss: 'another' }, { sub: 'ann' }, { sub: NOWHERE }, { exp: undefined }]) {
    expect(await status(await sign({ ...right, ...wrong }))).toBe(401);
  }
  expect(await status(await sign(right, `${settings.JWT_SECRET}x`))).toBe(401);
  expect(await status(new UnsecuredJWT(right).encode())).toBe(401);
});

test.each([
  ['GET', '/documents'],
  ['POST', '/documents'],
  ['GET', `/documents/${NOWHERE}`],
  ['POST', `/documents/${NOWHERE}/review`],
])('%s %s is closed to strangers', async (method, path) => {
  const { app } = await memoryApp();
  const answer = await app.request(path, { method });
  expect(answer.status).toBe(401);
  expect(answer.headers.get('www-authenticate')).toBe('Bearer');
});
