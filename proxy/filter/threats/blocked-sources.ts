// The sources that are blocked, for all workers of the proxy: a block of one worker holds in the others too.
import type { BlockNotice, Broadcast } from '../../exchange/notices.ts';

/** Blocks of one policy. The oldest block gives way to a further one. */
const MAX_BLOCKS = 10_000;

export class BlockedSources {
  readonly #broadcast: Broadcast;
  readonly #byPolicy = new Map<string, Map<string, BlockNotice>>();

  constructor(broadcast: Broadcast) {
    this.#broadcast = broadcast;
    broadcast.subscribe('blocked', (key, block) => {
      const [policy, source] = JSON.parse(key) as [string, string];
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

  /** Blocks a source, twice as long as the last time. Milliseconds. */
  block(policy: string, source: string, first: number, longest: number): BlockNotice {
    const now = Date.now();
    const last = this.#byPolicy.get(policy)?.get(source);
    const times = last === undefined || now > last.forgottenAt ? 1 : last.times + 1;
    const until = now + Math.min(longest, first * 2 ** Math.min(times - 1, 30));
    const block = { until, times, forgottenAt: until + longest };
    this.#keep(policy, source, block);
    this.#broadcast.publish('blocked', keyOf(policy, source), block);
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
      this.#broadcast.publish('blocked', keyOf(policy, source), null);
    }
  }
}

function keyOf(policy: string, source: string): string {
  return JSON.stringify([policy, source]);
}
