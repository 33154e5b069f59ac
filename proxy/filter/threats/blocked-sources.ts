// The sources that are blocked, for all workers of the proxy: a block of one worker holds in the others too.
import { blockKey, splitBlockKey } from '../../exchange/notices.ts';
import type { BlockNotice, Broadcast } from '../../exchange/notices.ts';

/** Blocks of one policy. The oldest block gives way to a further one. */
const MAX_BLOCKS = 10_000;

/** The lengths of the first and the longest block, milliseconds, and why there is one. */
export interface BlockTerms extends Pick<BlockNotice, 'cause' | 'score'> {
  readonly first: number;
  readonly longest: number;
}

export class BlockedSources {
  readonly #broadcast: Broadcast;
  readonly #byPolicy = new Map<string, Map<string, BlockNotice>>();

  constructor(broadcast: Broadcast) {
    this.#broadcast = broadcast;
    broadcast.subscribe('blocked', (key, block) => {
      const [policy, source] = splitBlockKey(key);
      if (block === null) this.#byPolicy.get(policy)?.delete(source);
      else this.#keep(policy, source, block);
    });
  }

  /** Whether requests of the source are refused. */
  holds(policy: string, source: string): boolean {
    const blocks = this.#byPolicy.get(policy);
    if (blocks === undefined) return false;
    const block = blocks.get(source);
    return block !== undefined && Date.now() < block.until;
  }

  /** Blocks a source, twice as long as the last time. */
  block(policy: string, source: string, { first, longest, cause, score }: BlockTerms): BlockNotice {
    const now = Date.now();
    const last = this.#byPolicy.get(policy)?.get(source);
    const times = last === undefined || now > last.forgottenAt ? 1 : last.times + 1;
    const until = now + Math.min(longest, first * 2 ** Math.min(times - 1, 30));
    const block = { until, times, forgottenAt: until + longest, cause, score };
    this.#keep(policy, source, block);
    this.#broadcast.publish('blocked', blockKey(policy, source), block);
    this.#sweep(policy, now);
    return block;
  }

  #keep(policy: string, source: string, block: BlockNotice): void {
    let blocks = this.#byPolicy.get(policy);
    if (blocks === undefined) this.#byPolicy.set(policy, (blocks = new Map()));
    blocks.delete(source);
    blocks.set(source, block);
  }

  /** Forgets the oldest blocks that are over for long, or too many. */
  #sweep(policy: string, now: number): void {
    const blocks = this.#byPolicy.get(policy) ?? new Map<string, BlockNotice>();
    for (const [source, { forgottenAt }] of blocks) {
      if (now <= forgottenAt && blocks.size <= MAX_BLOCKS) return;
      blocks.delete(source);
      this.#broadcast.publish('blocked', blockKey(policy, source), null);
    }
  }
}
