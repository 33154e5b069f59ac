// Reads the server name from a TLS ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3) before OpenSSL gets a byte, so that the
// certificate is chosen by name, and a refused name costs nothing. OpenSSL validates the message; this code checks only what it needs for
// the name, and uses the name only for the choice.

/** The result for the first bytes of a connection. */
export type ClientHello =
  | { readonly kind: 'incomplete' }
  /** Not TLS, or a TLS message other than a ClientHello. */
  | { readonly kind: 'malformed' }
  /** `serverName` in lower case without a final dot; '' if absent. */
  | { readonly kind: 'hello'; readonly serverName: string };

/** OpenSSL's maximum for a ClientHello. Browsers send 2 KiB since post-quantum key exchange. */
export const MAX_HELLO_BYTES = 16_384;

const RECORD_HEADER = 5;
const RECORD_HANDSHAKE = 0x16;
const MAX_RECORD = 16_384;
/**
 * The maximum number of records of a ClientHello. Peers use one or two; those that evade middleboxes use a few more. Each packet causes a
 * new parse of all records, so one record per byte would cost 0.5 s of CPU for 4,000 packets, growing with the square.
 */
const MAX_RECORDS = 64;
const HANDSHAKE_HEADER = 4;
const CLIENT_HELLO = 0x01;
const EXTENSION_SERVER_NAME = 0;
const EXTENSION_SIGNATURE_ALGORITHMS = 13;
const EXTENSION_ALPN = 16;
const EXTENSION_SUPPORTED_VERSIONS = 43;
const TLS_1_3 = 0x0304;
const NAME_TYPE_HOST = 0;
/** Host names as in RFC 1035, without characters that are harmful in a log, a header or a table. */
const HOST_NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const MAX_HOST_NAME = 253;

const INCOMPLETE: ClientHello = Object.freeze({ kind: 'incomplete' });
const MALFORMED: ClientHello = Object.freeze({ kind: 'malformed' });

/** Reads all bytes of the connection that have arrived. */
export function readClientHello(bytes: Buffer): ClientHello {
  const message = joinRecords(bytes);
  if (message === null) return MALFORMED;
  if (message.length > 0 && message[0] !== CLIENT_HELLO) return MALFORMED;
  if (message.length < HANDSHAKE_HEADER) return INCOMPLETE;
  const end = HANDSHAKE_HEADER + message.readUIntBE(1, 3);
  if (end > MAX_HELLO_BYTES) return MALFORMED;
  if (message.length < end) return INCOMPLETE;
  const serverName = findServerName(new Cursor(message.subarray(HANDSHAKE_HEADER, end)));
  return serverName === null ? MALFORMED : { kind: 'hello', serverName };
}

/**
 * The payload of the records so far, including a partial last one: a message may span several. Null: not TLS. Bytes after the message are
 * ignored: early data is in the same packet (RFC 8446 section 4.2.10).
 */
function joinRecords(bytes: Buffer): Buffer | null {
  const payloads: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] !== RECORD_HANDSHAKE || (at + 1 < bytes.length && bytes[at + 1] !== 0x03)) return wholeMessage(payloads);
    if (at + RECORD_HEADER > bytes.length) break;
    const length = bytes.readUInt16BE(at + 3);
    // Empty records would only waste time (RFC 8446 section 5.1 forbids them in handshakes).
    if (length === 0 || length > MAX_RECORD || payloads.length === MAX_RECORDS) return null;
    payloads.push(bytes.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length));
    at += RECORD_HEADER + length;
  }
  return payloads.length === 1 ? (payloads[0] as Buffer) : Buffer.concat(payloads);
}

function wholeMessage(payloads: readonly Buffer[]): Buffer | null {
  const message = Buffer.concat(payloads);
  return message.length >= HANDSHAKE_HEADER && message.length >= HANDSHAKE_HEADER + message.readUIntBE(1, 3) ? message : null;
}

/** The extensions; empty if the message ends before them. */
function extensionsOf(hello: Cursor): Cursor {
  hello.skip(2 + 32); // legacy_version, random
  hello.skip(hello.uint8()); // legacy_session_id
  hello.skip(hello.uint16()); // cipher_suites
  hello.skip(hello.uint8()); // legacy_compression_methods
  return hello.ok && hello.atEnd ? hello.take(0) : hello.take(hello.uint16());
}

/** The server name, '' if absent, null if the message is malformed. */
function findServerName(hello: Cursor): string | null {
  const extensions = extensionsOf(hello);
  while (extensions.ok && !extensions.atEnd) {
    const type = extensions.uint16();
    const extension = extensions.take(extensions.uint16());
    if (type === EXTENSION_SERVER_NAME) return readServerName(extension);
  }
  return hello.ok && extensions.ok ? '' : null;
}

/**
 * The signature schemes of a complete ClientHello, in order of preference, if its client supports TLS 1.3; [] otherwise, because then the
 * certificate depends on more than that.
 */
export function readSignatureSchemes(bytes: Buffer): readonly number[] {
  const message = joinRecords(bytes) ?? Buffer.alloc(0);
  const hello = new Cursor(message.subarray(HANDSHAKE_HEADER));
  const extensions = extensionsOf(hello);
  let schemes: readonly number[] = [];
  let isModern = false;
  while (extensions.ok && !extensions.atEnd) {
    const type = extensions.uint16();
    const extension = extensions.take(extensions.uint16());
    if (type === EXTENSION_SIGNATURE_ALGORITHMS) schemes = readNumbers(extension.take(extension.uint16()));
    else if (type === EXTENSION_SUPPORTED_VERSIONS) isModern = readNumbers(extension.take(extension.uint8())).includes(TLS_1_3);
  }
  return isModern && extensions.ok ? schemes : [];
}

/** Whether a complete ClientHello offers exactly this application protocol and no other (RFC 7301). */
export function offersOnly(bytes: Buffer, protocol: string): boolean {
  const message = joinRecords(bytes) ?? Buffer.alloc(0);
  const extensions = extensionsOf(new Cursor(message.subarray(HANDSHAKE_HEADER)));
  while (extensions.ok && !extensions.atEnd) {
    const type = extensions.uint16();
    const extension = extensions.take(extensions.uint16());
    if (type !== EXTENSION_ALPN) continue;
    const list = extension.take(extension.uint16());
    const name = list.bytes(list.uint8()).latin1Slice();
    return list.ok && list.atEnd && name === protocol;
  }
  return false;
}

function readNumbers(list: Cursor): number[] {
  const numbers: number[] = [];
  while (list.ok && !list.atEnd) numbers.push(list.uint16());
  return numbers;
}

function readServerName(extension: Cursor): string | null {
  const list = extension.take(extension.uint16());
  const type = list.uint8();
  const name = list.bytes(list.uint16()).latin1Slice().toLowerCase();
  if (!extension.ok || !list.ok || type !== NAME_TYPE_HOST) return null;
  const host = name.endsWith('.') ? name.slice(0, -1) : name;
  return host.length <= MAX_HOST_NAME && HOST_NAME.test(host) ? host : null;
}

/** Reads forward. A read past the end gives zeros and sets `ok` to false. */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;
  #ok = true;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get ok(): boolean {
    return this.#ok;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  uint8(): number {
    const at = this.#advance(1);
    return this.#ok ? (this.#bytes[at] as number) : 0;
  }

  uint16(): number {
    const at = this.#advance(2);
    return this.#ok ? this.#bytes.readUInt16BE(at) : 0;
  }

  skip(length: number): void {
    this.#advance(length);
  }

  bytes(length: number): Buffer {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, this.#at);
  }

  /** A cursor over the next `length` bytes; not ok if there are fewer. */
  take(length: number): Cursor {
    const cursor = new Cursor(this.bytes(length));
    cursor.#ok = this.#ok;
    return cursor;
  }

  #advance(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) this.#ok = false;
    else this.#at = at + length;
    return at;
  }
}
