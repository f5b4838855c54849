/** An address where something listens, for tests in which nobody speaks PostgreSQL: a start looks whether the database is there. */

const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
listener.unref();

/** Of a database that can be reached, and no more. */
export const databaseUrl = `postgresql://a:b@127.0.0.1:${listener.port}/x`;
