// The sources that are blocked, for all workers of the proxy: a block of one worker holds in the others too, and a block of another proxy of
// the fleet if the policy wants that.
import { blockKey, splitBlockKey } from '../../exchange/notices.ts';
import type { BlockNotice, Broadcast, SharedBlockNotice } from '../../exchange/notices.ts';

/** Blocks of one policy. The oldest block gives way to a further one. */
const MAX_BLOCKS = 10_000;

/** The lengths of the first and the longest block, milliseconds, and why there is one. */
export interface BlockTerms extends Pick<BlockNotice, 'cause' | 'score' | 'isShared'> {
  readonly first: number;
  readonly longest: number;
}

export class BlockedSources {
  readonly #broadcast: Broadcast;
  readonly #own = new PolicyBlocks<BlockNotice>();
  /** Those of other proxies. They take no room of the own ones. */
  readonly #shared = new PolicyBlocks<SharedBlockNotice>();

  constructor(broadcast: Broadcast) {
    this.#broadcast = broadcast;
    broadcast.subscribe('blocked', (key, block) => this.#own.set(key, block));
    broadcast.subscribe('shared', (key, block) => this.#shared.set(key, block));
  }

  /**
   * Whether requests of the source are refused. `longest`: how long a block of another proxy counts here at most, milliseconds; 0: it does
   * not.
   */
  holds(policy: string, source: string, longest: number): boolean {
    const own = this.#own.find(policy, source);
    if (own !== undefined && Date.now() < own.until) return true;
    const shared = longest === 0 ? undefined : this.#shared.find(policy, source);
    return shared !== undefined && Date.now() < Math.min(shared.until, shared.since + longest);
  }

  /** Blocks a source, twice as long as the last time. */
  block(policy: string, source: string, { first, longest, cause, score, isShared }: BlockTerms): BlockNotice {
    const now = Date.now();
    const times = 1 + Math.max(timesOf(this.#own.find(policy, source), now), isShared ? this.#timesElsewhere(policy, source, now) : 0);
    const until = now + Math.min(longest, first * 2 ** Math.min(times - 1, 30));
    const block = { until, times, forgottenAt: until + longest, cause, score, isShared };
    const key = blockKey(policy, source);
    this.#own.set(key, block);
    this.#broadcast.publish('blocked', key, block);
    this.#sweep(policy, now);
    return block;
  }

  #timesElsewhere(policy: string, source: string, now: number): number {
    return timesOf(this.#shared.find(policy, source), now);
  }

  /** Forgets the oldest blocks that are over for long, or too many. */
  #sweep(policy: string, now: number): void {
    const blocks = this.#own.of(policy);
    for (const [source, { forgottenAt }] of blocks) {
      if (now <= forgottenAt && blocks.size <= MAX_BLOCKS) return;
      blocks.delete(source);
      this.#broadcast.publish('blocked', blockKey(policy, source), null);
    }
  }
}

/** Blocks by policy and source, the oldest first. */
class PolicyBlocks<Block> {
  readonly #byPolicy = new Map<string, Map<string, Block>>();

  find(policy: string, source: string): Block | undefined {
    return this.#byPolicy.get(policy)?.get(source);
  }

  of(policy: string): Map<string, Block> {
    let blocks = this.#byPolicy.get(policy);
    if (blocks === undefined) this.#byPolicy.set(policy, (blocks = new Map()));
    return blocks;
  }

  /** `key`: a `blockKey`. Null: there is none any more. */
  set(key: string, block: Block | null): void {
    const [policy, source] = splitBlockKey(key);
    const blocks = this.of(policy);
    blocks.delete(source);
    if (block !== null) blocks.set(source, block);
    else if (blocks.size === 0) this.#byPolicy.delete(policy);
  }
}

/** How often a source has been blocked, unless that is forgotten. */
function timesOf(block: Pick<BlockNotice, 'times' | 'forgottenAt'> | undefined, now: number): number {
  return block === undefined || now > block.forgottenAt ? 0 : block.times;
}
