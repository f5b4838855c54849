import { expect, test } from 'bun:test';
import { EXAMPLE_SECRET, readSettings } from '../../src/settings.ts';

const GOOD = {
  APP_ENV: 'production',
  JWT_SECRET: 'k3Z0'.repeat(12),
  APP_DATABASE_URL: 'postgresql://app:Vq7-long-one@db:5432/app',
};

function refusal(environment: Record<string, string>): string {
  try {
    readSettings(environment);
  } catch (error) {
    return (error as Error).message;
  }
  return 'it was taken';
}

test('production starts with secrets of its own', () => {
  expect(readSettings(GOOD)).toMatchObject({ APP_ENV: 'production', DB_POOL_SIZE: 10, UPLOAD_RATE: '60/minute' });
});

test.each([
  ['JWT_SECRET', EXAMPLE_SECRET],
  ['JWT_SECRET', 'short'],
  ['APP_DATABASE_URL', 'postgresql://app:app@db/app'],
  ['APP_DATABASE_URL', 'postgresql://app@db/app'],
  ['DATABASE_URL', 'postgresql://tasker:tasker@db/tasker'],
])('production refuses an example value of %s', (name, value) => {
  const message = refusal({ ...GOOD, [name]: value });
  expect(message).toContain(name);
  expect(message).toContain('APP_ENV=production refuses');
  expect(message).not.toContain('\n');
  expect(message).not.toContain(value);
  expect(refusal({ ...GOOD, [name]: value, APP_ENV: 'development' })).toBe('it was taken');
});

test.each([
  ['TOKEN_MINUTES', 'soon'],
  ['DB_POOL_SIZE', '0'],
  ['APP_ENV', 'prod'],
  ['APP_DATABASE_URL', 'here'],
  ['CORS_ORIGINS', 'https://example.org'],
  ['LOGIN_RATE', 'often'],
])('a wrong value of %s is refused with its name', (name, value) => {
  expect(refusal({ ...GOOD, [name]: value })).toStartWith(name);
});

test('an empty variable is one that is not set', () => {
  expect(readSettings({ ...GOOD, CORS_ORIGINS: '' }).CORS_ORIGINS).toEqual([]);
  expect(readSettings({ ...GOOD, CORS_ORIGINS: '["https://example.org"]' }).CORS_ORIGINS).toEqual([
    'https://example.org',
  ]);
});

test('every mistake has a line', () => {
  expect(refusal({ ...GOOD, DB_POOL_SIZE: '0', APP_ENV: 'prod' }).split('\nerror: ')).toHaveLength(2);
});
