import { expect, setDefaultTimeout, test } from 'bun:test';
import { clientAddress } from '../../src/web/limits.ts';
import { SECURITY_HEADERS } from '../../src/web/middleware.ts';
import { memoryApp, NOWHERE } from '../support/app.ts';
import { PATIENCE } from '../support/until.ts';

setDefaultTimeout(PATIENCE);

test('every answer has the security headers', async () => {
  const { app, tokens } = await memoryApp();
  for (const path of ['/documents', '/nowhere', `/documents/${NOWHERE}`]) {
    for (const headers of [{}, tokens.ann]) {
      const answer = await app.request(path, { headers });
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) expect(answer.headers.get(name)).toBe(value);
    }
  }
});

test('a failure has an id and tells nothing', async () => {
  const { app, documents, tokens } = await memoryApp();
  documents.listOf = async () => {
    throw new Error('broken');
  };
  const answer = await app.request('/documents', { headers: tokens.ann });
  expect(answer.status).toBe(500);
  expect(await answer.json()).toEqual({ detail: 'Internal Server Error' });
  expect(answer.headers.get('x-request-id')).toBeString();
});

test('a request keeps its id', async () => {
  const { app } = await memoryApp();
  const id = async (given: string) =>
    (await app.request('/', { headers: { 'X-Request-ID': given } })).headers.get('x-request-id');
  expect(await id('0191b3a0-0000-7000-8000-000000000001')).toBe('0191b3a0-0000-7000-8000-000000000001');
  expect(await id('<script>')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
});

test('no other origin may call, unless it is let in', async () => {
  const closed = await memoryApp();
  const open = await memoryApp({ CORS_ORIGINS: '["https://example.org"]' });
  const allowed = async ({ app }: typeof closed, Origin: string) =>
    (await app.request('/documents', { headers: { Origin } })).headers.get('access-control-allow-origin');
  expect(await allowed(closed, 'https://example.org')).toBeNull();
  expect(await allowed(open, 'https://example.org')).toBe('https://example.org');
  expect(await allowed(open, 'https://example.com')).toBeNull();
});

test('addresses are believed from trusted proxies only', () => {
  expect(clientAddress('9.9.9.9', '1.1.1.1', ['127.0.0.1'])).toBe('9.9.9.9');
  expect(clientAddress('127.0.0.1', '6.6.6.6, 1.1.1.1', ['127.0.0.1'])).toBe('1.1.1.1');
  expect(clientAddress('127.0.0.1', '1.1.1.1, 10.0.0.1', ['127.0.0.1', '10.0.0.1'])).toBe('1.1.1.1');
  expect(clientAddress('127.0.0.1', null, ['127.0.0.1'])).toBe('127.0.0.1');
});
