// The blocks of this proxy: those that operators make, and those of threat detection, here and at other proxies. It ends each in time, and
// tells one security event for each beginning and end. The workers apply them.
import { MAX_DETECTED, MAX_SHARED_OF_PROXY } from '#api/wire/telemetry-limits.ts';
import type { DetectedBlock, OverrideMessage, ThreatBlock } from '#api/wire/telemetry-messages.ts';
import { parseBlockSubject } from '#lib/block-subject.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { splitBlockKey } from '../exchange/notices.ts';
import type { BlockNotice, Broadcast } from '../exchange/notices.ts';
import type { BlockSharing } from './block-line.ts';
import { SharedBlocks } from './shared-blocks.ts';

/** How often the book looks for blocks that are over, milliseconds. */
const EVERY_MS = 250;
/** Blocks of operators at once. A controller has fewer. */
const MAX_SET = 2_000;

/** A block that an operator has made; `until`: 0 for no end. */
interface SetBlock {
  readonly reason: string;
  readonly until: number;
}

/** Why a block ends. */
type Ending = 'expired' | 'removed' | 'evicted';

/** A block of threat detection of this proxy, and its beginning as Date.now(). */
interface OwnBlock extends BlockNotice {
  readonly begun: number;
}

export class BlockBook implements BlockSharing {
  readonly #broadcast: Broadcast;
  readonly #set = new Map<string, SetBlock>();
  /** By `blockKey`, the oldest first. */
  readonly #detected = new Map<string, OwnBlock>();
  readonly #shared: SharedBlocks;
  #begun: (block: ThreatBlock) => void = () => undefined;
  #timer: NodeJS.Timeout | null = null;

  constructor(broadcast: Broadcast) {
    this.#broadcast = broadcast;
    this.#shared = new SharedBlocks(broadcast);
    broadcast.subscribe('blocked', (key, block) => this.#heard(key, block));
  }

  /** Sets a block of an operator (`on`), or ends it with all those of threat detection of the same source (`auto`). */
  set(override: OverrideMessage): Result<undefined> {
    const subject = parseBlockSubject(override.endpoint);
    if (!subject.ok) return err(`${JSON.stringify(override.endpoint)} ${subject.error}`);
    const { text } = subject.value;
    if (override.state === 'on') return this.#add(text, override);
    if (override.state !== 'auto') return err(`${JSON.stringify(override.state)} is none of on, auto`);
    this.#remove(text, 'removed');
    this.#release(text);
    return ok(undefined);
  }

  /** Ends a block of an operator only: a controller told of it before threat detection made one. */
  withdraw(text: string): void {
    this.#remove(text, 'removed');
  }

  /** Ends the blocks of operators besides these. */
  endOthers(texts: ReadonlySet<string>): void {
    for (const text of [...this.#set.keys()]) if (!texts.has(text)) this.#remove(text, 'removed');
  }

  /** The latest blocks of threat detection, those of other proxies first. */
  detected(): readonly DetectedBlock[] {
    const own = [...this.#detected].slice(-MAX_DETECTED).map(([key, block]) => threatBlock(key, block));
    return [...this.#shared.all().slice(-MAX_DETECTED), ...own].map(({ source, policy, cause, score, until, origin }) => {
      return { source, policy, cause, score, until, origin };
    });
  }

  follow(begun: (block: ThreatBlock) => void): ReturnType<BlockSharing['follow']> {
    this.#begun = begun;
    const shared = [...this.#detected].filter(([, { isShared }]) => isShared).slice(-MAX_SHARED_OF_PROXY);
    const stop = (): void => {
      if (this.#begun === begun) this.#begun = () => undefined;
    };
    return { blocks: shared.map(([key, block]) => threatBlock(key, block)), stop };
  }

  take(blocks: readonly ThreatBlock[]): void {
    this.#shared.take(blocks);
    this.#watch();
  }

  #add(text: string, { reason = '', until = 0 }: OverrideMessage): Result<undefined> {
    if (until !== 0 && until <= Date.now()) return ok(undefined);
    const known = this.#set.get(text);
    if (known?.until === until && known.reason === reason) return ok(undefined);
    if (known === undefined && this.#set.size >= MAX_SET) return err(`this proxy has ${MAX_SET} blocks already`);
    this.#begin(text, { reason, until });
    return ok(undefined);
  }

  #begin(text: string, block: SetBlock): void {
    this.#set.set(text, block);
    this.#broadcast.publish('refused', text, true);
    const end = block.until === 0 ? {} : { until: new Date(block.until).toISOString() };
    this.#tell('source_blocked', { reason: 'operator', source: text, note: block.reason, ...end });
    this.#watch();
  }

  #remove(text: string, ending: Ending): void {
    if (!this.#set.delete(text)) return;
    this.#broadcast.publish('refused', text, null);
    this.#tell('source_released', { reason: ending, source: text });
  }

  /** Ends the blocks of threat detection of a source. */
  #release(text: string): void {
    const isMeant = (source: string): boolean => subjectText(source) === text;
    this.#shared.release(isMeant);
    for (const key of [...this.#detected.keys()]) {
      if (!isMeant(splitBlockKey(key)[1])) continue;
      this.#broadcast.publish('blocked', key, null);
      this.#end(key, 'removed');
    }
  }

  /** A worker blocks a source, or forgets one: long after its end, or before, to make room. */
  #heard(key: string, block: BlockNotice | null): void {
    if (block === null) return this.#end(key, 'evicted');
    const own = { ...block, begun: Date.now() };
    this.#detected.delete(key);
    this.#detected.set(key, own);
    this.#watch();
    if (block.isShared) this.#begun(threatBlock(key, own));
  }

  #end(key: string, ending: Ending): void {
    if (!this.#detected.delete(key)) return;
    const [policy, source] = splitBlockKey(key);
    this.#tell('source_released', { reason: ending, policy, source });
  }

  #tell(name: 'source_blocked' | 'source_released', fields: Readonly<Record<string, string>>): void {
    this.#broadcast.publish('security', '', { name, fields });
  }

  #watch(): void {
    this.#timer ??= setInterval(() => this.#sweep(Date.now()), EVERY_MS).unref();
  }

  #sweep(now: number): void {
    for (const [text, { until }] of this.#set) if (until !== 0 && until <= now) this.#remove(text, 'expired');
    for (const [key, { until }] of this.#detected) if (until <= now) this.#end(key, 'expired');
    this.#shared.sweep(now);
    if (this.#timer === null || this.#set.size + this.#detected.size + this.#shared.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}

function threatBlock(key: string, { cause, score, begun, until, times, forgottenAt }: OwnBlock): ThreatBlock {
  const [policy, source] = splitBlockKey(key);
  return { source, policy, cause, score, begun, until, times, forgottenAt, origin: '' };
}

/** The source of a policy in the form of the texts of operators. */
function subjectText(source: string): string {
  const subject = parseBlockSubject(source);
  return subject.ok ? subject.value.text : source;
}
