// Opens the connection of a probe: a socket of its own, with TLS where the transport of the cluster has it.
import net from 'node:net';
import tls from 'node:tls';
import type { ProbeTarget } from '../exchange/probe-target.ts';
import { identityProblem } from '../upstream/server-identity.ts';
import { contextOf } from '../upstream/tls-context.ts';
import type { Settle } from './outcome.ts';

/** Protocols that the endpoint must agree on with TLS. */
export type Alpn = 'http/1.1' | 'h2' | null;

/** The steps of an opening connection. */
export type Stage = 'connecting' | 'handshake' | 'open';

export interface Opening {
  readonly target: Pick<ProbeTarget, 'address' | 'port' | 'tls'>;
  readonly alpn: Alpn;
  /** Called once the connection, with its handshake, is made. */
  readonly opened: (socket: net.Socket) => void;
  readonly settle: Settle;
}

/** Returns the socket, which the caller destroys, and the stage it has reached. */
export function connect(opening: Opening): { readonly socket: net.Socket; readonly stage: () => Stage } | null {
  const { target, settle } = opening;
  if (target.tls === null) return connectPlain(opening);
  const secureContext = contextOf(target.tls);
  if (secureContext !== null) return connectTls(opening, secureContext);
  settle({ fault: 'tls_failed', detail: 'no authority to trust' });
  return null;
}

function connectPlain({ target: { address, port }, opened, settle }: Opening): ReturnType<typeof connect> {
  let stage: Stage = 'connecting';
  const socket = net.connect({ host: address, port, noDelay: true });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (stage === 'connecting') settle({ fault: 'connect_failed', detail: error.code ?? error.message });
  });
  socket.once('connect', () => {
    stage = 'open';
    opened(socket);
  });
  return { socket, stage: () => stage };
}

function connectTls({ target, alpn, opened, settle }: Opening, secureContext: tls.SecureContext): ReturnType<typeof connect> {
  const { address, port } = target;
  const { serverName, subjectAltNames } = target.tls as NonNullable<ProbeTarget['tls']>;
  let stage: Stage = 'connecting';
  const socket = tls.connect({
    host: address,
    port,
    servername: serverName,
    secureContext,
    checkServerIdentity: (_, certificate) => identityProblem(certificate.raw, subjectAltNames),
    ...(alpn === null ? {} : { ALPNProtocols: [alpn] }),
  });
  const fail = (detail: string): void => {
    if (stage !== 'open') settle({ fault: stage === 'connecting' ? 'connect_failed' : 'tls_failed', detail });
  };
  socket.setNoDelay(true);
  socket.once('connect', () => (stage = 'handshake'));
  socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
  socket.once('close', () => fail('the handshake was not completed'));
  socket.once('secureConnect', () => {
    if (alpn === 'h2' && socket.alpnProtocol !== 'h2') return fail('HTTP/2 was not agreed on');
    stage = 'open';
    opened(socket);
  });
  return { socket, stage: () => stage };
}
