// Header lists > HEADERS frames, in the order of the connection: the encoder's table depends on it.
import type { Attempt } from '../../exchange/attempt.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { HpackEncoder } from '../hpack/encoder.ts';
import { isConnectionSpecific } from './field-kinds.ts';
import { FLAG, FRAME, MAX_FRAME_SIZE } from './frames.ts';
import type { H2Output } from './output.ts';

/** Names; null: none. */
type Secrets = readonly string[] | null;

const STATUS: readonly string[] = Array.from({ length: 1_000 }, (_, status) => String(status));

/** Whether the request becomes a CONNECT in HTTP/2. Only WebSockets do: servers of other protocols may answer without accepting. */
export function asksForTunnel({ upgrade }: Exchange): boolean {
  return upgrade === 'websocket';
}

export class HeadWriter {
  readonly #output: H2Output;
  readonly #encoder = new HpackEncoder();

  constructor(output: H2Output) {
    this.#output = output;
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  setTableSize(size: number): void {
    this.#encoder.setTableSize(size);
  }

  /**
   * The head of an answer, also 1xx; `length` -1 adds no content-length. Headers named in `secrets` are kept out of tables. Returns the
   * position of its flags in the output.
   */
  answer(stream: number, status: number, headers: readonly string[], length: number, secrets: Secrets): number {
    this.#encoder.begin(0);
    this.#encoder.write(':status', STATUS[status] as string);
    this.#writeAll(headers, secrets);
    if (length >= 0) this.#encoder.write('content-length', String(length));
    return this.#frames(stream, 0);
  }

  /** The head of a request; `flags` END_STREAM or none. Returns the position of its flags in the output. */
  request(stream: number, { exchange, ownHeaders }: Attempt, scheme: string, flags: number): number {
    const encoder = this.#encoder;
    encoder.begin(0);
    const isTunnel = asksForTunnel(exchange);
    encoder.write(':method', isTunnel ? 'CONNECT' : exchange.method);
    if (isTunnel) encoder.write(':protocol', exchange.upgrade);
    encoder.write(':scheme', scheme);
    if (exchange.authority !== '') encoder.write(':authority', exchange.authority);
    encoder.write(':path', exchange.hasQuery ? exchange.path + '?' + exchange.query : exchange.path);
    this.#writeAll(exchange.requestHeaders, exchange.secrets);
    if (ownHeaders !== null) this.#writeAll(ownHeaders, null);
    if (exchange.requestLength > 0) encoder.write('content-length', String(exchange.requestLength));
    if (exchange.expectsContinue) encoder.write('expect', '100-continue');
    return this.#frames(stream, flags);
  }

  /** Trailers, which end the stream. */
  trailers(stream: number, headers: readonly string[], secrets: Secrets): void {
    this.#encoder.begin(0);
    this.#writeAll(headers, secrets);
    this.#frames(stream, FLAG.endStream);
  }

  #writeAll(headers: readonly string[], secrets: Secrets): void {
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string;
      if (isConnectionSpecific(name)) continue;
      if (secrets !== null && secrets.includes(name)) this.#encoder.writeSecret(name, headers[i + 1] as string);
      else this.#encoder.write(name, headers[i + 1] as string);
    }
  }

  #frames(stream: number, flags: number): number {
    const block = this.#encoder.finish();
    if (block.length > MAX_FRAME_SIZE) return this.#split(block, stream, flags);
    const start = this.#output.begin(FRAME.headers, flags | FLAG.endHeaders, stream, block.length);
    this.#output.block.set(block, start);
    return start - 5;
  }

  #split(block: Buffer, stream: number, flags: number): number {
    // All frames are in one block of the output, so that no flush separates them.
    this.#output.reserve(block.length + (Math.ceil(block.length / MAX_FRAME_SIZE) + 1) * 9);
    let flagsAt = -1;
    for (let from = 0; from < block.length; from += MAX_FRAME_SIZE) {
      const end = Math.min(block.length, from + MAX_FRAME_SIZE);
      const last = end === block.length ? FLAG.endHeaders : 0;
      const first = from === 0;
      const start = this.#output.begin(first ? FRAME.headers : FRAME.continuation, (first ? flags : 0) | last, stream, end - from);
      this.#output.block.set(block.subarray(from, end), start);
      if (first) flagsAt = start - 5;
    }
    return flagsAt;
  }
}
