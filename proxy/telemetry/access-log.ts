// The access log: one JSON line per exchange, or per connection of a stream route, through pino's buffered destination, which writes off the event loop. Clients
// choose much of what a line holds, so every string is escaped and cut.
import { closeSync, openSync } from 'node:fs';
import { pino } from 'pino';
import type { ExchangeError } from '../exchange/errors.ts';
import type { ClientCertificate, Exchange, WebSocketTunnel } from '../exchange/exchange.ts';
import { getHeader } from '../exchange/headers.ts';
import type { StreamSession } from '../exchange/stream-session.ts';

/** What one write holds, and no line is longer: a pipe takes so much as a whole (PIPE_BUF), so workers never mix their lines. */
const WRITE_BYTES = 4_096;
const FLUSH_BYTES = 3_072;
const FLUSH_MS = 500;
/** Beyond this the disk or the pipe is stuck: lines are dropped and counted, memory does not grow. */
const MAX_PENDING_BYTES = 4_194_304;
/** Characters that a field may have, and one that is usually short; two bytes each at most, once escaped. */
interface Room {
  readonly field: number;
  readonly name: number;
}

const ROOM: Room = { field: 512, name: 256 };
const DETAIL = 96;
/** For a line that would be too long. */
const LITTLE_ROOM: Room = { field: 256, name: 96 };

type Fields = Record<string, string | number | boolean>;

type Destination = ReturnType<typeof pino.destination>;

export class AccessLog {
  readonly #target: string;
  readonly #destination: Destination;
  #dropped = 0;
  /** Nobody reads the pipe any more, and nobody will. */
  #broken = false;
  #closing: Promise<boolean> | null = null;

  /** `target`: `stdout` or a path, which is appended to. Throws when it cannot be opened. */
  constructor(target: string) {
    this.#target = target;
    if (target !== 'stdout') closeSync(openSync(target, 'a'));
    this.#destination = pino.destination({
      dest: target === 'stdout' ? 1 : target,
      sync: false,
      minLength: FLUSH_BYTES,
      maxWrite: WRITE_BYTES,
      maxLength: MAX_PENDING_BYTES,
      periodicFlush: FLUSH_MS,
    });
    this.#destination.on('drop', () => this.#dropped++);
    // What could not be written is kept and tried again later; once there is too much of it, lines are dropped.
    this.#destination.on('error', (error: NodeJS.ErrnoException) => (this.#broken ||= error.code === 'EPIPE'));
  }

  /** Lines lost because nothing took them. */
  get dropped(): number {
    return this.#dropped;
  }

  log(exchange: Exchange, ms: number): void {
    if (this.#broken || this.#closing !== null) this.#dropped++;
    else this.#destination.write(formatLine(exchange, ms, new Date().toISOString()));
  }

  logStream(session: StreamSession, ms: number): void {
    if (this.#broken || this.#closing !== null) this.#dropped++;
    else this.#destination.write(formatStreamLine(session, ms, new Date().toISOString()));
  }

  /** Opens the file anew, as after it was renamed. Returns why the former one goes on being written, or null. */
  reopen(): string | null {
    if (this.#target === 'stdout' || this.#closing !== null) return null;
    try {
      closeSync(openSync(this.#target, 'a'));
      this.#destination.reopen();
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /**
   * Writes what has gathered, for `timeout` ms at most. Resolves to false when it could not be written: a thread is then stuck
   * in the write, and the process can only be killed.
   */
  close(timeout: number): Promise<boolean> {
    return (this.#closing ??= this.#close(timeout));
  }

  #close(timeout: number): Promise<boolean> {
    if (this.#broken) return Promise.resolve(true);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const deadline = setTimeout(() => resolve(false), timeout);
    this.#destination.once('close', () => {
      clearTimeout(deadline);
      resolve(true);
    });
    this.#destination.end();
    return promise;
  }
}

/** One line. Queries are left out: they carry tokens more often than anything else does. */
export function formatLine(exchange: Exchange, ms: number, time: string): string {
  const line = lineOf(exchange, ms, time, ROOM);
  // No character takes more than three bytes.
  if (line.length * 3 <= WRITE_BYTES || Buffer.byteLength(line) <= WRITE_BYTES) return line;
  return lineOf(exchange, ms, time, LITTLE_ROOM);
}

function lineOf(exchange: Exchange, ms: number, time: string, room: Room): string {
  const fields: Fields = {
    time,
    method: cut(exchange.method, room.name),
    authority: cut(exchange.requestedAuthority, room.field),
    path: cut(exchange.requestedPath, room.field),
    status: exchange.status,
    durationMs: round(ms),
    headMs: round(exchange.headAt),
    requestBytes: exchange.requestBytes,
    responseBytes: exchange.responseBytes,
    remoteAddress: exchange.connection.remoteAddress,
    protocol: exchange.connection.protocol,
  };
  if (exchange.client !== null) fields['clientAddress'] = exchange.client.address;
  addOrigin(fields, exchange);
  const client = exchange.connection.tls?.clientCertificate ?? null;
  if (client !== null) addClient(fields, client, room);
  const agent = getHeader(exchange.requestHeaders, 'user-agent');
  if (agent !== null) fields['userAgent'] = cut(agent, room.name);
  return `${JSON.stringify(fields)}\n`;
}

/** The line of a connection that was passed on as a whole. */
export function formatStreamLine(session: StreamSession, ms: number, time: string): string {
  const { target, endpoint } = session;
  const fields: Fields = {
    time,
    durationMs: round(ms),
    connectMs: round(session.connectedAfter),
    receivedBytes: session.receivedBytes,
    sentBytes: session.sentBytes,
    remoteAddress: session.remoteAddress,
    protocol: target.protocol,
  };
  if (target.serverName !== '') fields['serverName'] = cut(target.serverName, ROOM.field);
  if (target.plan !== null) fields['route'] = cut(target.plan.key, ROOM.field);
  if (target.listener !== '') fields['listener'] = cut(target.listener, ROOM.field);
  if (endpoint !== null) fields['endpoint'] = `${endpoint.address}:${endpoint.port}`;
  if (session.attempts > 1) fields['attempts'] = session.attempts;
  if (session.error !== null) addError(fields, session.error);
  return `${JSON.stringify(fields)}\n`;
}

function addOrigin(fields: Fields, exchange: Exchange): void {
  if (exchange.route !== null) fields['route'] = cut(exchange.route.key, ROOM.field);
  if (exchange.listener !== '') fields['listener'] = cut(exchange.listener, ROOM.field);
  if (exchange.attempt !== null) fields['endpoint'] = `${exchange.attempt.endpoint.address}:${exchange.attempt.endpoint.port}`;
  if (exchange.attempts > 1) fields['attempts'] = exchange.attempts;
  if (exchange.grpcStatus >= 0) fields['grpcStatus'] = exchange.grpcStatus;
  if (exchange.webSocket !== null) addWebSocket(fields, exchange.webSocket);
  if (exchange.error !== null) addError(fields, exchange.error);
}

function addWebSocket(fields: Fields, { received, sent, close }: WebSocketTunnel): void {
  fields['messagesReceived'] = received;
  fields['messagesSent'] = sent;
  if (close.code > 0) fields['closeCode'] = close.code;
  if (close.by !== '') fields['closedBy'] = close.by;
}

function addError(fields: Fields, { code, detail }: ExchangeError): void {
  fields['error'] = code;
  // Peers have a say in it.
  if (detail !== '') fields['errorDetail'] = cut(detail, DETAIL);
}

/** What the client presented, believed or not: whoever reads the line must be told which. */
function addClient(fields: Fields, client: ClientCertificate, room: Room): void {
  const { subject, subjectAltName, fingerprint, verified, problem } = client;
  fields['clientVerified'] = verified;
  if (!verified) fields['clientProblem'] = problem;
  fields['clientFingerprint'] = fingerprint;
  if (subject !== '') fields['clientSubject'] = cut(subject, room.name);
  if (subjectAltName !== '') fields['clientSubjectAltName'] = cut(subjectAltName, room.field);
}

function cut(text: string, length: number): string {
  const short = text.length > length ? `${text.slice(0, length)}...` : text;
  for (let i = 0; i < short.length; i++) {
    if (isC1(short.charCodeAt(i))) return replaceControls(short);
  }
  return short;
}

/** DEL and the second set of controls, which JSON lets stand and some terminals obey. */
function isC1(code: number): boolean {
  return code >= 0x7f && code <= 0x9f;
}

function replaceControls(text: string): string {
  return Array.from(text, (character) => (isC1(character.charCodeAt(0)) ? '\ufffd' : character)).join('');
}

function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
