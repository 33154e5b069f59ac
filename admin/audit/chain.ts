// Holds a sequence of entries to the rules of the chain, one entry at a time, and names the first that breaks them.
import type { JsonObject } from '#lib/canonical-json.ts';
import { GENESIS, hashOf, removalIn, type ChainPlace } from './entry.ts';

/** The first entry where the chain is broken. */
export interface ChainBreak {
  /** The number of the broken entry. */
  readonly sequence: number;
  /** `changed`: its content does not have its hash. `missing`: entries are removed. `misplaced`: entries are inserted or in another order. */
  readonly kind: 'changed' | 'missing' | 'misplaced';
  /** A sentence. */
  readonly reason: string;
}

/** The result of a check. */
export interface ChainReport {
  /** The number of entries that were read, without a broken one. */
  readonly entries: number;
  /** The first entry; null without entries. */
  readonly first: number | null;
  /** The last entry before the break. Kept elsewhere, it proves later that nothing up to it was changed. */
  readonly last: ChainPlace;
  /** The last entry that retention has removed; null: none. */
  readonly removed: number | null;
  /** Null: the chain is whole. */
  readonly broken: ChainBreak | null;
}

/** Places that the chain must pass, known from another source, such as an earlier check. */
export type Anchors = ReadonlyMap<number, string>;

export class ChainCheck {
  readonly #anchors: Anchors;
  /** The first entry decides where the chain starts. */
  #isOpen: boolean;
  #start: ChainPlace = GENESIS;
  #last: ChainPlace = GENESIS;
  #entries = 0;
  /** The last removed entry, as the latest of the entries about removals says. */
  #removed: ChainPlace | null = null;
  #broken: ChainBreak | null = null;

  /** `from`: the place before the first entry, as the source of the entries says; null: the first entry itself says it. */
  constructor(anchors: Anchors, from: ChainPlace | null) {
    this.#anchors = anchors;
    this.#isOpen = from === null;
    if (from !== null) this.#start = this.#last = from;
  }

  /** Null as long as the chain is whole. */
  get broken(): ChainBreak | null {
    return this.#broken;
  }

  /** Takes the next entry. Entries after a break are not looked at. `flaw`: what its source finds wrong with it; '' for nothing. */
  take(entry: JsonObject, flaw = ''): void {
    if (this.#broken !== null) return;
    if (this.#isOpen) this.#begin(entry);
    this.#broken = this.#faultOf(entry, flaw);
    if (this.#broken !== null) return;
    this.#last = { sequence: entry['sequence'] as number, hash: entry['hash'] as string };
    this.#entries++;
    this.#removed = removalIn(entry) ?? this.#removed;
  }

  /** The chain has ended. `head`: its last entry, as the source of the entries says. */
  end(head: ChainPlace): ChainReport {
    this.#broken ??= this.#cut(head) ?? this.#unknownStart() ?? this.#missedAnchor();
    return {
      entries: this.#entries,
      first: this.#entries === 0 ? null : this.#start.sequence + 1,
      last: this.#last,
      removed: this.#start.sequence === 0 ? null : this.#start.sequence,
      broken: this.#broken,
    };
  }

  /** Earlier entries may have been removed: a later entry must say so. */
  #begin({ sequence, previous }: JsonObject): void {
    this.#isOpen = false;
    if (typeof sequence !== 'number' || sequence <= 1 || !Number.isSafeInteger(sequence)) return;
    this.#start = this.#last = { sequence: sequence - 1, hash: String(previous) };
  }

  #faultOf(entry: JsonObject, flaw: string): ChainBreak | null {
    const { sequence, previous, hash } = entry;
    const expected = this.#last.sequence + 1;
    if (typeof sequence !== 'number') return changed(expected, 'it has no number');
    if (hash !== hashOf(entry)) return changed(sequence, 'its content does not have its hash');
    if (flaw !== '') return changed(sequence, flaw);
    if (sequence > expected) return missing(expected, sequence - 1);
    if (sequence < expected) return misplaced(sequence, `entry ${sequence} was inserted, or stands behind entry ${expected - 1}`);
    if (previous !== this.#last.hash) {
      return misplaced(sequence, `entry ${sequence} does not follow its predecessor: one of both was replaced`);
    }
    const anchor = this.#anchors.get(sequence);
    if (anchor === undefined || anchor === hash) return null;
    return { sequence, kind: 'changed', reason: `entry ${sequence} was replaced: it had the hash ${anchor}` };
  }

  #cut(head: ChainPlace): ChainBreak | null {
    const { sequence, hash } = this.#last;
    if (sequence < head.sequence) return missing(sequence + 1, head.sequence);
    if (sequence > head.sequence) return misplaced(head.sequence + 1, `entry ${head.sequence + 1} was added behind the end of the chain`);
    return hash === head.hash ? null : { sequence, kind: 'changed', reason: `entry ${sequence}, the last one, was replaced` };
  }

  /** Only retention removes entries, and leaves the number and the hash of the last one. */
  #unknownStart(): ChainBreak | null {
    const { sequence, hash } = this.#start;
    if (sequence === 0 || (this.#removed?.sequence === sequence && this.#removed.hash === hash)) return null;
    return missing((this.#removed?.sequence ?? 0) + 1, sequence);
  }

  /** An anchor behind the end: entries were cut off. One before the beginning is not known any more. */
  #missedAnchor(): ChainBreak | null {
    const anchored = Math.max(0, ...this.#anchors.keys());
    return anchored > this.#last.sequence ? missing(this.#last.sequence + 1, anchored) : null;
  }
}

function missing(first: number, last: number): ChainBreak {
  const which = first < last ? `entries ${first} to ${last} are missing` : `entry ${first} is missing`;
  return { sequence: first, kind: 'missing', reason: which };
}

function changed(sequence: number, how: string): ChainBreak {
  return { sequence, kind: 'changed', reason: `entry ${sequence} was changed: ${how}` };
}

function misplaced(sequence: number, reason: string): ChainBreak {
  return { sequence, kind: 'misplaced', reason };
}
