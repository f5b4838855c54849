/** People who may sign in. */

import type { Sql } from './database.ts';

const MIN_PASSWORD = 12;

export interface User {
  id: string;
  email: string;
  password_hash: string;
  is_reviewer: boolean;
}

/** What signing in needs; tests have one in memory. */
export interface Users {
  byEmail(email: string): Promise<User | undefined>;
  get(id: string): Promise<User | undefined>;
}

/** The users of the application's database. */
export class SqlUsers implements Users {
  constructor(private readonly sql: Sql) {}

  async byEmail(email: string): Promise<User | undefined> {
    const [user] = await this.sql<User[]>`select * from app.users where email = ${email.toLowerCase()}`;
    return user;
  }

  async get(id: string): Promise<User | undefined> {
    const [user] = await this.sql<User[]>`select * from app.users where id = ${id}`;
    return user;
  }

  /** False if there is a user with this address. */
  async add(user: User): Promise<boolean> {
    const added = await this
      .sql`insert into app.users ${this.sql({ ...user })} on conflict (email) do nothing returning id`;
    return added.length > 0;
  }
}

export async function newUser(email: string, password: string, isReviewer = false): Promise<User> {
  const password_hash = await Bun.password.hash(password, 'argon2id');
  return { id: crypto.randomUUID(), email: email.toLowerCase(), password_hash, is_reviewer: isReviewer };
}

let nobody: Promise<string> | undefined;

/** Whether that is the user's password. Without a user it takes as long as with one. */
export async function hasPassword(user: User | undefined, password: string): Promise<boolean> {
  nobody ??= Bun.password.hash(crypto.randomUUID(), 'argon2id');
  const isRight = await Bun.password.verify(password, user?.password_hash ?? (await nobody));
  return isRight && user !== undefined;
}

/** Add a user as the command line says; an error message, or undefined. */
export async function addUser(
  sql: Sql,
  email: string,
  password: string,
  isReviewer: boolean,
): Promise<string | undefined> {
  if (!/^\S+@\S+$/.test(email)) return `${JSON.stringify(email)} is not an e-mail address`;
  if (password.length < MIN_PASSWORD) return `the password needs ${MIN_PASSWORD} characters or more`;
  const isNew = await new SqlUsers(sql).add(await newUser(email, password, isReviewer));
  return isNew ? undefined : `there is a user ${email} already`;
}
