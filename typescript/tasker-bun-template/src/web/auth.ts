/** OAuth2 password flow: `POST /token` gives a signed token, which the other routes ask for. */

import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { HTTPException } from 'hono/http-exception';
import { jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import type { Settings } from '../settings.ts';
import { hasPassword } from '../users.ts';
import type { Env, Parts } from './app.ts';
import { limitLogin, type RateLimits } from './limits.ts';

const ALGORITHM = 'HS256';
const ISSUER = 'app';
const Claims = z.object({ sub: z.uuid(), iat: z.number(), exp: z.number() });
const Form = z.object({ username: z.string(), password: z.string() });

function secretOf({ JWT_SECRET }: Settings): Uint8Array {
  return new TextEncoder().encode(JWT_SECRET);
}

/** A token for a user, valid from now on. */
export function makeToken(userId: string, settings: Settings): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: ALGORITHM })
    .setSubject(userId)
    .setIssuer(ISSUER)
    .setIssuedAt()
    .setExpirationTime(`${settings.TOKEN_MINUTES} minutes`)
    .sign(secretOf(settings));
}

export function signIn({ users, settings }: Parts, limits: RateLimits): Hono<Env> {
  return new Hono<Env>().post('/token', limitLogin(limits), async (c) => {
    const form = Form.safeParse(await c.req.parseBody());
    if (!form.success) throw new HTTPException(422, { message: 'the form needs username and password' });
    const user = await users.byEmail(form.data.username);
    if (!(await hasPassword(user, form.data.password)) || !user) throw unauthorized('wrong e-mail address or password');
    const access_token = await makeToken(user.id, settings);
    return c.json({ access_token, token_type: 'bearer', expires_in: 60 * settings.TOKEN_MINUTES });
  });
}

/** Lets those pass who have a token; `c.var.user` is who it is. */
export const requireUser = ({ users, settings }: Parts) =>
  createMiddleware<Env>(async (c, next) => {
    const [, token] = c.req.header('authorization')?.match(/^Bearer (\S+)$/i) ?? [];
    if (!token) throw unauthorized('sign in first');
    const user = await users.get(await subjectOf(token, settings));
    if (!user) throw unauthorized("the token's user does not exist");
    c.set('user', user);
    await next();
  });

/** After {@link requireUser}. */
export const requireReviewer = createMiddleware<Env>(async (c, next) => {
  if (!c.var.user.is_reviewer) throw new HTTPException(403, { message: 'only reviewers may do this' });
  await next();
});

async function subjectOf(token: string, settings: Settings): Promise<string> {
  try {
    const { payload } = await jwtVerify(token, secretOf(settings), { algorithms: [ALGORITHM], issuer: ISSUER });
    return Claims.parse(payload).sub;
  } catch {
    throw unauthorized('the token is not valid, or no longer');
  }
}

function unauthorized(why: string): HTTPException {
  return new HTTPException(401, { message: why, res: new Response('', { headers: { 'WWW-Authenticate': 'Bearer' } }) });
}
