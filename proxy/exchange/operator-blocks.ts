// What operators block, in a worker: addresses, ranges, and authenticated callers. A block holds for all routes. The supervisor ends it.
import { AddressRanges } from '#lib/address-ranges.ts';
import { readAddress } from '#lib/address-words.ts';
import { parseBlockSubject, subjectsOf } from '#lib/block-subject.ts';
import type { BlockSubject } from '#lib/block-subject.ts';
import type { Exchange } from './exchange.ts';
import type { Broadcast } from './notices.ts';
import type { Principal } from './principal.ts';

export class OperatorBlocks {
  readonly #subjects = new Map<string, BlockSubject>();
  #ranges: AddressRanges | null = null;
  #hasCallers = false;

  constructor(broadcast: Pick<Broadcast, 'subscribe'>) {
    broadcast.subscribe('refused', (text, value) => this.#set(text, value !== null));
  }

  /** Whether requests of the client are refused. Its address is a system call, and read only if there are blocks. */
  hasClient(exchange: Pick<Exchange, 'clientAddress'>): boolean {
    return this.#ranges !== null && this.hasAddress(exchange.clientAddress);
  }

  /** Whether requests and connections of the address are refused. A text that is not an address is in no block. */
  hasAddress(address: string): boolean {
    if (this.#ranges === null) return false;
    const version = readAddress(address);
    return version !== 0 && this.#ranges.includesRead(version);
  }

  /** Whether requests of the caller are refused. */
  hasCaller({ id, consumer }: Principal): boolean {
    return this.#hasCallers && subjectsOf(id, consumer).some((text) => this.#subjects.has(text));
  }

  #set(text: string, isBlocked: boolean): void {
    const subject = parseBlockSubject(text);
    if (!subject.ok) return;
    if (isBlocked) this.#subjects.set(text, subject.value);
    else this.#subjects.delete(text);
    const ranges = [...this.#subjects.values()].flatMap((each) => (each.type === 'range' ? [each.range] : []));
    this.#ranges = ranges.length === 0 ? null : AddressRanges.of(ranges);
    this.#hasCallers = ranges.length < this.#subjects.size;
  }
}
