/** Whether anything listens at a database URL. Core waits ten seconds for a server that is not there, and does not say why. */

/** A password may have characters that a parser of URLs refuses. */
const ADDRESS = /^postgresql:\/\/(?:[^@]*@)?([^:/]+)(?::(\d+))?\//;

/** `host:port` of a database URL. */
export function databaseAddress(url: string): string {
  const [, host, port = '5432'] = ADDRESS.exec(url) ?? [];
  return `${host}:${port}`;
}

/** Why no connection to the address of a database URL can be made; undefined when one was. */
export async function unreachable(url: string, timeoutMs: number): Promise<string | undefined> {
  const address = databaseAddress(url);
  const [hostname = '', port] = address.split(':');
  const timeout = Promise.withResolvers<undefined>();
  const timer = setTimeout(timeout.resolve, timeoutMs);
  const connecting = Bun.connect({ hostname, port: Number(port), socket: { data() {}, error() {} } });
  connecting.then(
    (socket) => socket.end(),
    () => {},
  );
  try {
    return (await Promise.race([connecting, timeout.promise]))
      ? undefined
      : `no answer within ${timeoutMs / 1000} s from ${address}`;
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (code === 'ECONNREFUSED') return `connection refused at ${address}`;
    if (code === 'ENOTFOUND') return `the host ${hostname} cannot be found`;
    return `no connection to ${address}: ${message}`;
  } finally {
    clearTimeout(timer);
  }
}
