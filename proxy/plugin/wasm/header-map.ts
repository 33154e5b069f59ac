// The maps of the ABI: headers with the pseudo headers of HTTP/2 before them, and trailers.
import { STATUS, StatusError } from './status.ts';

/** Pairs of one map. The proxy checks heads again, by the limits of HTTP. */
const MAX_PAIRS = 1_024;

export class HeaderMap {
  /** Names and values in turn; names in lower case. */
  #list: string[];
  /** Changes may still have an effect. */
  isOpen = true;
  isChanged = false;

  constructor(list: readonly string[]) {
    this.#list = [...list];
  }

  get list(): readonly string[] {
    return this.#list;
  }

  /** Pairs. */
  get size(): number {
    return this.#list.length / 2;
  }

  /** The values of a name, as one; null if there is none. */
  get(name: string): string | null {
    const [lower, list] = [name.toLowerCase(), this.#list];
    let found: string | null = null;
    for (let i = 0; i < list.length; i += 2)
      if (list[i] === lower) found = found === null ? (list[i + 1] as string) : `${found}, ${list[i + 1] as string}`;
    return found;
  }

  add(name: string, value: string): void {
    this.#change();
    if (this.size >= MAX_PAIRS) throw new StatusError(STATUS.badArgument);
    this.#list.push(name.toLowerCase(), value);
  }

  /** Its first pair gets the value, and the others go. */
  replace(name: string, value: string): void {
    this.#change();
    const lower = name.toLowerCase();
    const first = this.#list.findIndex((each, i) => i % 2 === 0 && each === lower);
    if (first === -1) return this.add(name, value);
    this.#list = this.#list.filter((_, i) => i - (i % 2) === first || this.#list[i - (i % 2)] !== lower);
    this.#list[first + 1] = value;
  }

  remove(name: string): void {
    this.#change();
    const lower = name.toLowerCase();
    this.#list = this.#list.filter((_, i) => this.#list[i - (i % 2)] !== lower);
  }

  /** Takes other pairs in place of all. */
  become(list: readonly string[]): void {
    this.#change();
    this.#list = [...lowerNames(list)];
  }

  /** The pairs without pseudo headers. */
  fields(): readonly string[] {
    return this.#list.filter((_, i) => !(this.#list[i - (i % 2)] as string).startsWith(':'));
  }

  #change(): void {
    if (!this.isOpen) throw new StatusError(STATUS.badArgument);
    this.isChanged = true;
  }
}

/** The pairs with names in lower case. */
export function lowerNames(list: readonly string[]): readonly string[] {
  return list.map((each, i) => (i % 2 === 0 ? each.toLowerCase() : each));
}

/** Bytes of pairs in the form of the ABI. */
export function serialized(list: readonly string[]): Buffer {
  const texts = list.map((text) => Buffer.from(text, 'latin1'));
  const start = 4 + 4 * texts.length;
  const bytes = Buffer.alloc(texts.reduce((size, text) => size + text.length + 1, start));
  bytes.writeUInt32LE(list.length / 2);
  let place = start;
  for (const [i, text] of texts.entries()) {
    bytes.writeUInt32LE(text.length, 4 + 4 * i);
    bytes.set(text, place);
    place += text.length + 1;
  }
  return bytes;
}

/** The pairs in bytes; fails with parseFailure if they have another form. */
export function parsed(bytes: Buffer): readonly string[] {
  if (bytes.length < 4) return [];
  const pairs = bytes.readUInt32LE();
  if (pairs > MAX_PAIRS || bytes.length < 4 + 8 * pairs) throw new StatusError(STATUS.parseFailure);
  const list: string[] = [];
  let place = 4 + 8 * pairs;
  for (let i = 0; i < 2 * pairs; i++) {
    const end = place + bytes.readUInt32LE(4 + 4 * i);
    if (end >= bytes.length) throw new StatusError(STATUS.parseFailure);
    list.push(bytes.toString('latin1', place, end));
    place = end + 1;
  }
  return list;
}
