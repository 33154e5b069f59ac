// The chunked coding, parsed strictly (RFC 9112 section 7.1): hexadecimal sizes and CRLF, nothing that parsers read differently. Data is
// passed on in place; only size lines and trailers across two reads are copied.
import type { Headers } from '../../exchange/headers.ts';
import type { Limits } from '../../exchange/limits.ts';
import { FIELD_VALUE, HEX, isBlank, TOKEN, trimBlanks } from './characters.ts';
import { kindOf, mayBeTrailer } from './field-names.ts';

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
/** The maximum digits of a size: 2^48 is more than any client sends in one chunk. */
const MAX_SIZE_DIGITS = 12;

type State = 'size' | 'blank' | 'extension' | 'sizeLf' | 'data' | 'dataCr' | 'dataLf' | 'trailer' | 'done' | 'failed';

/** The receiver of the data. */
export interface ChunkSink {
  /** A piece of the body. False: stop, `read` returns early. */
  chunkData(chunk: Buffer): boolean;
}

export class ChunkedReader {
  readonly #limits: Limits;
  #state: State = 'size';
  /** Octets left in the chunk, or the size so far. */
  #size = 0;
  #digits = 0;
  #lineBytes = 0;
  #trailer = '';
  #trailers: Headers | null = null;
  #trailerBytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  get failed(): boolean {
    return this.#state === 'failed';
  }

  /** The trailers to forward, or null. */
  get trailers(): Headers | null {
    return this.#trailers;
  }

  /** Resets the reader for another message. */
  reset(): void {
    this.#state = 'size';
    this.#size = 0;
    this.#digits = 0;
    this.#lineBytes = 0;
    this.#trailer = '';
    this.#trailers = null;
    this.#trailerBytes = 0;
  }

  /** Reads from `position` and returns the position where it stopped: the end of the buffer or of the body, a fault, or a full sink. */
  read(buffer: Buffer, position: number, sink: ChunkSink): number {
    while (position < buffer.length) {
      if (this.#state === 'done' || this.#state === 'failed') return position;
      if (this.#state !== 'data') {
        this.#step(buffer[position++] as number);
        continue;
      }
      const end = Math.min(buffer.length, position + this.#size);
      this.#size -= end - position;
      if (this.#size === 0) this.#state = 'dataCr';
      const more = sink.chunkData(buffer.subarray(position, end));
      position = end;
      if (!more) return position;
    }
    return position;
  }

  #step(code: number): void {
    switch (this.#state) {
      case 'size':
        return this.#sizeDigit(code);
      case 'blank':
        return this.#blank(code);
      case 'extension':
        return this.#extension(code);
      case 'sizeLf':
        return this.#sizeEnd(code);
      case 'dataCr':
        this.#state = code === CR ? 'dataLf' : 'failed';
        return;
      case 'dataLf':
        this.#state = code === LF ? 'size' : 'failed';
        this.#digits = 0;
        this.#lineBytes = 0;
        return;
      case 'trailer':
        return this.#trailerByte(code);
      default:
        return;
    }
  }

  #sizeDigit(code: number): void {
    const digit = HEX[code] as number;
    if (digit !== 255 && this.#digits < MAX_SIZE_DIGITS) {
      this.#size = this.#size * 16 + digit;
      this.#digits++;
    } else this.#state = this.#digits > 0 ? afterSize(code) : 'failed';
  }

  /** Blanks between a size and its extension. They may not end a line: RFC 9112 allows none there. */
  #blank(code: number): void {
    if (code === SEMICOLON) this.#state = 'extension';
    else if (!isBlank(code) || ++this.#lineBytes > this.#limits.maxChunkLineBytes) this.#state = 'failed';
  }

  /** Skips extensions, within limits. Control characters are refused, so there are no line ends that only some parsers see. */
  #extension(code: number): void {
    if (code === CR) this.#state = 'sizeLf';
    else if (FIELD_VALUE[code] !== 1 || ++this.#lineBytes > this.#limits.maxChunkLineBytes) this.#state = 'failed';
  }

  #sizeEnd(code: number): void {
    if (code !== LF) this.#state = 'failed';
    else this.#state = this.#size === 0 ? 'trailer' : 'data';
  }

  #trailerByte(code: number): void {
    if (++this.#trailerBytes > this.#limits.maxHeadBytes) {
      this.#state = 'failed';
      return;
    }
    this.#trailer += String.fromCharCode(code);
    if (code !== LF) return;
    const line = this.#trailer;
    this.#trailer = '';
    if (line === '\r\n') this.#state = 'done';
    else if (!this.#trailerLine(line)) this.#state = 'failed';
  }

  #trailerLine(line: string): boolean {
    const colon = line.indexOf(':');
    if (colon <= 0 || !line.endsWith('\r\n')) return false;
    const value = line.slice(colon + 1, -2);
    for (let i = 0; i < colon; i++) if (TOKEN[line.charCodeAt(i)] !== 1) return false;
    for (let i = 0; i < value.length; i++) if (FIELD_VALUE[value.charCodeAt(i)] !== 1) return false;
    const name = line.slice(0, colon).toLowerCase();
    this.#trailers ??= [];
    if (this.#trailers.length >= this.#limits.maxHeaders * 2) return false;
    if (mayBeTrailer(name, kindOf(name))) this.#trailers.push(name, trimBlanks(value));
    return true;
  }
}

function afterSize(code: number): State {
  if (code === CR) return 'sizeLf';
  if (code === SEMICOLON) return 'extension';
  return isBlank(code) ? 'blank' : 'failed';
}
