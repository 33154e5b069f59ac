// Parses what a NATS server sends: lines, some with a payload (https://docs.nats.io/reference/reference-protocols/nats-protocol). The
// server is not trusted: every length has a limit, and anything unknown ends the connection.

/** One operation of the server. `headers` is the header block as text, '' without one. */
export type ServerOperation =
  | { readonly type: 'info'; readonly info: Readonly<Record<string, unknown>> }
  | { readonly type: 'message'; readonly message: NatsMessage }
  | { readonly type: 'ping' | 'pong' | 'ok' }
  | { readonly type: 'error'; readonly text: string };

/** A delivered message. */
export interface NatsMessage {
  readonly subject: string;
  /** The number of the subscription. */
  readonly subscription: number;
  /** Where an answer is expected; '' for nowhere. */
  readonly reply: string;
  readonly headers: string;
  readonly payload: Buffer;
}

/** The server breaks the protocol or a limit. The message completes "the server ...". */
export class ProtocolFault extends Error {}

/** Length of a line. INFO lists all servers of a cluster; other lines are short. */
const MAX_INFO_BYTES = 65_536;
const MAX_LINE_BYTES = 4_096;
/** Operations of one word. */
const SIGNALS: ReadonlyMap<string, 'ping' | 'pong' | 'ok'> = new Map([
  ['PING', 'ping'],
  ['PONG', 'pong'],
  ['+OK', 'ok'],
]);
const LINE_END = Buffer.from('\r\n');

/** A message whose payload has not arrived completely. */
interface Pending {
  readonly subject: string;
  readonly subscription: number;
  readonly reply: string;
  readonly headerBytes: number;
  readonly bytes: number;
}

export class NatsParser {
  readonly #maxPayload: number;
  /** Received bytes that form no operation yet. */
  #parts: Buffer[] = [];
  #size = 0;
  #pending: Pending | null = null;

  /** `maxPayload`: the largest message in bytes, headers included. */
  constructor(maxPayload: number) {
    this.#maxPayload = maxPayload;
  }

  /** Whether bytes wait for the rest of an operation. */
  get isWithin(): boolean {
    return this.#size > 0 || this.#pending !== null;
  }

  /** Takes a chunk, which it keeps, and yields the operations that are complete. Throws a ProtocolFault. */
  *push(chunk: Buffer): Generator<ServerOperation> {
    this.#parts.push(chunk);
    this.#size += chunk.length;
    // A line that trickles in is not joined again for each of its bytes.
    if (this.#pending === null && !chunk.includes(0x0a)) return this.#checkLine();
    for (let next = this.#next(); next !== null; next = this.#next()) yield next;
  }

  #next(): ServerOperation | null {
    if (this.#pending !== null) return this.#takeMessage(this.#pending);
    if (this.#size === 0) return null;
    const bytes = this.#joined();
    const end = bytes.indexOf(0x0a);
    if (end < 0) return (this.#checkLine(), null);
    const line = bytes.subarray(0, end).toString('latin1').replace(/\r$/, '');
    this.#keep(bytes.subarray(end + 1));
    return this.#takeLine(line);
  }

  #checkLine(): void {
    if (this.#size > MAX_INFO_BYTES) throw new ProtocolFault(`sends a line of more than ${MAX_INFO_BYTES} bytes`);
  }

  #takeLine(line: string): ServerOperation | null {
    const [, name = '', rest = ''] = /^(\S*)[ \t]*(.*)$/s.exec(line) ?? [];
    const operation = name.toUpperCase();
    if (operation === 'INFO') return { type: 'info', info: parseInfo(rest) };
    if (line.length > MAX_LINE_BYTES) throw new ProtocolFault(`sends a line of more than ${MAX_LINE_BYTES} bytes`);
    const type = SIGNALS.get(operation);
    if (type !== undefined) return { type };
    if (operation === '-ERR') return { type: 'error', text: rest.replace(/^'|'$/g, '') };
    this.#pending = parseMessage(operation, rest);
    if (this.#pending.bytes > this.#maxPayload) throw new ProtocolFault(`sends a message of more than ${this.#maxPayload} bytes`);
    return this.#takeMessage(this.#pending);
  }

  #takeMessage({ bytes, headerBytes, subject, subscription, reply }: Pending): ServerOperation | null {
    const whole = bytes + LINE_END.length;
    if (this.#size < whole) return null;
    const received = this.#joined();
    if (!received.subarray(bytes, whole).equals(LINE_END)) throw new ProtocolFault('sends a message with a wrong length');
    this.#pending = null;
    this.#keep(received.subarray(whole));
    const headers = received.subarray(0, headerBytes).toString('utf8');
    return { type: 'message', message: { subject, subscription, reply, headers, payload: received.subarray(headerBytes, bytes) } };
  }

  #joined(): Buffer {
    const [first = Buffer.alloc(0), ...others] = this.#parts;
    if (others.length === 0) return first;
    const joined = Buffer.concat(this.#parts);
    this.#parts = [joined];
    return joined;
  }

  #keep(rest: Buffer): void {
    this.#parts = rest.length === 0 ? [] : [rest];
    this.#size = rest.length;
  }
}

const MESSAGES: ReadonlyMap<string, RegExp> = new Map([
  ['MSG', /^(\S+)[ \t]+([0-9]{1,9})(?:[ \t]+(\S+))?()[ \t]+([0-9]{1,9})$/],
  ['HMSG', /^(\S+)[ \t]+([0-9]{1,9})(?:[ \t]+(\S+))?[ \t]+([0-9]{1,9})[ \t]+([0-9]{1,9})$/],
]);

/** `subject subscription [reply] [header bytes] bytes`. */
function parseMessage(operation: string, text: string): Pending {
  const form = MESSAGES.get(operation);
  if (form === undefined) throw new ProtocolFault('sends bytes that are not the NATS protocol');
  const [, subject = '', subscription, reply = '', headers, bytes] = form.exec(text) ?? [];
  const pending = { subject, subscription: Number(subscription), reply, headerBytes: Number(headers), bytes: Number(bytes) };
  if (subject === '' || pending.headerBytes > pending.bytes) throw new ProtocolFault('sends an invalid message');
  return pending;
}

function parseInfo(text: string): Readonly<Record<string, unknown>> {
  try {
    const info = JSON.parse(Buffer.from(text, 'latin1').toString('utf8')) as unknown;
    if (typeof info === 'object' && info !== null) return info as Record<string, unknown>;
  } catch {
    // Reported below.
  }
  throw new ProtocolFault('sends an INFO that is not a JSON object');
}
