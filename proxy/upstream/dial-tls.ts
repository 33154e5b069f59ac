// TLS sockets to endpoints. The certificate of an endpoint is verified before the first byte of a request; a resumed session was verified
// when it started. Sessions are stored per transport, which has the trusted authorities, and per address.
import net from 'node:net';
import tls from 'node:tls';
import type { Destination, Dialler } from '../exchange/dial.ts';
import { ERRORS, withDetail } from '../exchange/errors.ts';
import type { Transport, UpstreamTls } from '../exchange/plan.ts';
import { READS } from '../exchange/read-buffer.ts';
import { identityProblem } from './server-identity.ts';
import { contextOf } from './tls-context.ts';

const ALPN: Readonly<Record<Transport['protocol'], tls.ConnectionOptions>> = {
  http1: { ALPNProtocols: ['http/1.1'] },
  http2: { ALPNProtocols: ['h2'] },
  tcp: {},
};
/** The maximum number of endpoints with stored sessions per transport. */
const MAX_SESSIONS = 1_024;

/** Options that Node accepts but its types lack: those of the socket that `tls.connect` creates. */
type Options = tls.ConnectionOptions & Pick<net.SocketConstructorOpts, 'allowHalfOpen' | 'onread'>;

/** Opens a connection and does the handshake. The dialler sets the deadline. `data` gets the bytes after the handshake. */
export function dialTls(destination: Destination, dialler: Dialler, data: (chunk: Buffer) => void): net.Socket {
  const { address, port, transport } = destination;
  const settings = transport.tls as UpstreamTls;
  const context = contextOf(settings);
  if (context === null) return refuse(dialler, 'no authority to trust, or a certificate to present that cannot be used');
  const sessions = sessionsOf(transport);
  const peer = `${address}|${port}`;
  const session = sessions.get(peer);
  let [reached, secured] = [false, false];
  const handshake: tls.ConnectionOptions = {
    servername: settings.serverName,
    secureContext: context,
    ...ALPN[transport.protocol],
    checkServerIdentity: (_, certificate) => identityProblem(certificate.raw, settings.subjectAltNames),
    ...(session === undefined ? {} : { session }),
  };
  const socket = connect(destination, handshake, (chunk) => secured && data(chunk));
  socket.once('connect', () => {
    reached = true;
    dialler.failing(withDetail(ERRORS.upstreamTlsFailed, 'the handshake was not completed'));
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (reached && !secured) dialler.failing(withDetail(ERRORS.upstreamTlsFailed, error.code ?? error.message));
  });
  socket.on('session', (latest: Buffer) => keep(sessions, peer, latest));
  socket.once('secureConnect', () => {
    if (transport.protocol === 'http2' && socket.alpnProtocol !== 'h2') return cutOff(socket, dialler, 'HTTP/2 was not agreed on');
    secured = true;
    // From now on Node reports unreadable records by this event only, and continues as if no data had arrived.
    socket.on('_tlsError', (error: Error) => socket.destroy(error));
    dialler.connected();
  });
  return socket;
}

function connect({ address, port, header }: Destination, handshake: tls.ConnectionOptions, data: (chunk: Buffer) => void): tls.TLSSocket {
  if (header !== null) return connectBehind(header, { host: address, port }, handshake, data);
  const read = (octets: number): boolean => {
    data(READS.view(octets));
    return true;
  };
  const options: Options = { ...handshake, host: address, port, allowHalfOpen: true, onread: { buffer: READS.bytes, callback: read } };
  return tls.connect(options).setNoDelay(true);
}

/** Node can neither send bytes before its own handshake nor use `onread` for a socket that wraps another. */
function connectBehind(
  header: Buffer,
  to: net.TcpNetConnectOpts,
  handshake: tls.ConnectionOptions,
  data: (chunk: Buffer) => void,
): tls.TLSSocket {
  const plain = net.connect({ ...to, noDelay: true, allowHalfOpen: true });
  plain.write(header);
  return tls.connect({ ...handshake, socket: plain }).on('data', data);
}

function cutOff(socket: tls.TLSSocket, dialler: Dialler, detail: string): void {
  dialler.failing(withDetail(ERRORS.upstreamTlsFailed, detail));
  socket.destroy();
}

/** A closed socket, for a destination that must not be connected to. */
function refuse(dialler: Dialler, detail: string): net.Socket {
  const socket = new net.Socket();
  process.nextTick(() => {
    dialler.failing(withDetail(ERRORS.upstreamTlsFailed, detail));
    socket.destroy();
  });
  return socket;
}

const sessionsByTransport = new WeakMap<Transport, Map<string, Buffer>>();

function sessionsOf(transport: Transport): Map<string, Buffer> {
  let sessions = sessionsByTransport.get(transport);
  if (sessions === undefined) sessionsByTransport.set(transport, (sessions = new Map()));
  return sessions;
}

/** The latest session of each endpoint; the oldest is removed if there are too many. */
function keep(sessions: Map<string, Buffer>, peer: string, session: Buffer): void {
  sessions.delete(peer);
  sessions.set(peer, session);
  const [oldest] = sessions.keys();
  if (sessions.size > MAX_SESSIONS && oldest !== undefined) sessions.delete(oldest);
}
