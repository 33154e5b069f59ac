// The blocks that threat detection of the other proxies of the fleet has made: passes them to the workers of this proxy, ends each in time,
// and tells one security event for each beginning and end.
import { MAX_SHARED } from '#api/wire/telemetry-limits.ts';
import type { ThreatBlock } from '#api/wire/telemetry-messages.ts';
import { blockKey } from '../exchange/notices.ts';
import type { Broadcast } from '../exchange/notices.ts';

export class SharedBlocks {
  readonly #broadcast: Pick<Broadcast, 'publish'>;
  /** By `blockKey`, the oldest first. */
  readonly #blocks = new Map<string, ThreatBlock>();

  constructor(broadcast: Pick<Broadcast, 'publish'>) {
    this.#broadcast = broadcast;
  }

  get size(): number {
    return this.#blocks.size;
  }

  /** Takes the blocks of other proxies. One that ends sooner than a known one, or is over, has no effect. */
  take(blocks: readonly ThreatBlock[]): void {
    const now = Date.now();
    for (const block of blocks) if (block.until > now) this.#add(block, now);
  }

  /** The blocks in force. */
  all(): readonly ThreatBlock[] {
    return [...this.#blocks.values()];
  }

  /** Ends the blocks of the sources that the operator means. */
  release(isMeant: (source: string) => boolean): void {
    for (const [key, { source }] of this.#blocks) if (isMeant(source)) this.#end(key, 'removed');
  }

  /** Ends those that are over. */
  sweep(now: number): void {
    for (const [key, { until }] of this.#blocks) if (until <= now) this.#end(key, 'expired');
  }

  #add(block: ThreatBlock, now: number): void {
    const { policy, source, cause, score, until, times, forgottenAt, origin } = block;
    const key = blockKey(policy, source);
    const known = this.#blocks.get(key);
    if (known !== undefined && known.until >= until) return;
    this.#blocks.delete(key);
    this.#blocks.set(key, block);
    this.#broadcast.publish('shared', key, { until, times, forgottenAt, since: now });
    const fields = { reason: cause, policy, source, score, until: new Date(until).toISOString(), origin };
    this.#broadcast.publish('security', '', { name: 'source_blocked', fields });
    if (this.#blocks.size <= MAX_SHARED) return;
    for (const oldest of this.#blocks.keys()) return this.#end(oldest, 'evicted');
  }

  #end(key: string, reason: 'expired' | 'removed' | 'evicted'): void {
    const block = this.#blocks.get(key);
    if (block === undefined) return;
    this.#blocks.delete(key);
    this.#broadcast.publish('shared', key, null);
    const { policy, source, origin } = block;
    this.#broadcast.publish('security', '', { name: 'source_released', fields: { reason, policy, source, origin } });
  }
}
