/** Rate limits, on the package `rate-limiter-flexible`. */

import { createMiddleware } from 'hono/factory';
import { HTTPException } from 'hono/http-exception';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Rate, Settings } from '../settings.ts';
import type { Env } from './app.ts';

const SECONDS = { second: 1, minute: 60, hour: 3600 };

function limiter(rate: Rate): RateLimiterMemory {
  const [points, unit] = rate.split('/') as [string, keyof typeof SECONDS];
  return new RateLimiterMemory({ points: Number(points), duration: SECONDS[unit] });
}

/** The counters of an application. */
export class RateLimits {
  readonly #limiters: Record<'login' | 'upload', { rate: Rate; counter: RateLimiterMemory }>;

  constructor({ LOGIN_RATE, UPLOAD_RATE }: Settings) {
    this.#limiters = {
      login: { rate: LOGIN_RATE, counter: limiter(LOGIN_RATE) },
      upload: { rate: UPLOAD_RATE, counter: limiter(UPLOAD_RATE) },
    };
  }

  /**
   * Count a request.
   *
   * @throws HTTPException 429, when there were too many.
   */
  async hit(name: 'login' | 'upload', who: string): Promise<void> {
    const { rate, counter } = this.#limiters[name];
    try {
      await counter.consume(who);
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      const wait = Math.max(1, Math.ceil(refused.msBeforeNext / 1000));
      const headers = { 'Retry-After': String(wait) };
      throw new HTTPException(429, {
        message: `more than ${rate}: try again in ${wait} s`,
        res: new Response('', { headers }),
      });
    }
  }
}

/** By address. */
export const limitLogin = (limits: RateLimits) =>
  createMiddleware<Env>(async (c, next) => {
    await limits.hit('login', c.env?.address ?? 'unknown');
    await next();
  });

/** By user; after sign-in. */
export const limitUploads = (limits: RateLimits) =>
  createMiddleware<Env>(async (c, next) => {
    await limits.hit('upload', c.var.user.id);
    await next();
  });

/** The client's address: the last one that a trusted proxy has added, else the one of the connection. */
export function clientAddress(peer: string, forwardedFor: string | null, trusted: readonly string[]): string {
  const chain = (forwardedFor ?? '').split(',').map((address) => address.trim());
  let address = peer;
  while (trusted.includes(address)) {
    const before = chain.pop();
    if (!before) break;
    address = before;
  }
  return address;
}
