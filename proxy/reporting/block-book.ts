// The blocks of this proxy: those that operators make, and those of threat detection. It ends each in time, and tells one security event for
// each beginning and end. The workers apply them.
import { MAX_DETECTED } from '#api/wire/telemetry-limits.ts';
import type { DetectedBlock, OverrideMessage } from '#api/wire/telemetry-messages.ts';
import { parseBlockSubject } from '#lib/block-subject.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { splitBlockKey } from '../exchange/notices.ts';
import type { BlockNotice, Broadcast } from '../exchange/notices.ts';

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

export class BlockBook {
  readonly #broadcast: Broadcast;
  readonly #set = new Map<string, SetBlock>();
  /** By `blockKey`, the oldest first. */
  readonly #detected = new Map<string, BlockNotice>();
  #timer: NodeJS.Timeout | null = null;

  constructor(broadcast: Broadcast) {
    this.#broadcast = broadcast;
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

  /** The latest blocks of threat detection. */
  detected(): readonly DetectedBlock[] {
    return [...this.#detected].slice(-MAX_DETECTED).map(([key, { cause, score, until }]) => {
      const [policy, source] = splitBlockKey(key);
      return { source, policy, cause, score, until };
    });
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
    for (const key of [...this.#detected.keys()]) {
      if (subjectText(splitBlockKey(key)[1]) !== text) continue;
      this.#broadcast.publish('blocked', key, null);
      this.#end(key, 'removed');
    }
  }

  /** A worker blocks a source, or forgets one: long after its end, or before, to make room. */
  #heard(key: string, block: BlockNotice | null): void {
    if (block === null) return this.#end(key, 'evicted');
    this.#detected.delete(key);
    this.#detected.set(key, block);
    this.#watch();
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
    if (this.#timer === null || this.#set.size + this.#detected.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }
}

/** The source of a policy in the form of the texts of operators. */
function subjectText(source: string): string {
  const subject = parseBlockSubject(source);
  return subject.ok ? subject.value.text : source;
}
