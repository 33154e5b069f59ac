// One try at a NATS question: the first server that accepts a connection answers it, until the connection ends.
import type { AddressGuard, ServerTls } from '#lib/destination.ts';
import { NatsConnection, NatsFault, NATS_LIMITS } from './connection.ts';
import type { NatsLimits } from './connection.ts';
import type { NatsLogin } from './credentials.ts';

/** The servers of a question, in the order in which they are tried, and what all of them need. */
export interface NatsAccess {
  /** `nats://host:port`, or `tls://host:port`. */
  readonly servers: readonly string[];
  readonly tls: ServerTls | null;
  readonly handshakeFirst: boolean;
  readonly login: NatsLogin;
  readonly guard: AddressGuard;
  readonly limits?: NatsLimits;
}

const DEFAULT_PORT = 4_222;

/** Connects to the first server that accepts, and works with the connection. Throws a NatsFault that names the server. */
export async function withServer(
  access: NatsAccess,
  signal: AbortSignal,
  work: (connection: NatsConnection) => Promise<void>,
): Promise<void> {
  const { server, connection } = await connect(access, signal);
  try {
    await work(connection);
  } catch (error) {
    throw named(server, error);
  } finally {
    connection.close();
  }
}

async function connect(access: NatsAccess, signal: AbortSignal) {
  let last: unknown = null;
  for (const server of access.servers) {
    if (signal.aborted) break;
    try {
      return { server, connection: await NatsConnection.open(serverOf(server, access), signal, access.limits ?? NATS_LIMITS) };
    } catch (error) {
      last = named(server, error);
    }
  }
  throw last;
}

function serverOf(server: string, { tls, handshakeFirst, login, guard }: NatsAccess) {
  const { protocol, hostname, port } = new URL(server);
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: port === '' ? DEFAULT_PORT : Number(port),
    tls: tls ?? (protocol === 'tls:' ? {} : null),
    handshakeFirst,
    login,
    guard,
  };
}

function named(server: string, error: unknown): unknown {
  return error instanceof NatsFault ? new NatsFault(`${server} ${error.message}`, error.reason) : error;
}
