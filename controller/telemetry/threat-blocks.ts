// The blocks of threat detection that the proxies of a fleet share: a proxy tells of its own, and this passes them to the others. Limits keep
// a compromised or faulty proxy from blocking without bound. Nothing is stored: after a restart of the controller proxies tell them anew.
import { MAX_BLOCKS, MAX_SHARED, MAX_SHARED_OF_PROXY } from '#api/wire/telemetry-limits.ts';
import type { ThreatBlock } from '#api/wire/telemetry-messages.ts';
import { parseBlockSubject } from '#lib/block-subject.ts';
import type { Log } from '#lib/log.ts';

/** A block takes the room of its proxy for at least this time, milliseconds: many short blocks are as many as long ones. */
const LEAST_MS = 60_000;
/** How often blocks that are over are looked for, milliseconds. */
const FORGET_MS = 1_000;
/** Blocks that a replica tells another one when it links to it. */
const MAX_TOLD = 2 * MAX_SHARED;
const POLICY = /^SecurityPolicy\/[a-z0-9.-]{1,253}\/[a-z0-9.-]{1,253}$/;
const CAUSE = /^[A-Za-z]{1,64}$/;

/** A block with the fleet that it holds in. */
export interface ScopedBlock {
  readonly scope: string;
  readonly block: ThreatBlock;
}

/** The proxy that tells of blocks. */
export interface Teller {
  /** Of its stream: it gets none of its own blocks back. */
  readonly id: string;
  readonly scope: string;
  readonly name: string;
  /** HOST:PORT. The host has the room, so that a proxy gets no more of it by another name. */
  readonly address: string;
}

export interface ThreatBlocksOptions {
  readonly log: Log;
  /** When an operator has ended the blocks of a source last, milliseconds since the epoch; 0: never. */
  readonly endedAt: (source: string) => number;
  /** Sends blocks to the proxies of this controller in a scope, without the one that has told of them. */
  readonly send: (scope: string, blocks: readonly ThreatBlock[], teller: string) => void;
  /** Tells the other replicas. */
  readonly spread: (blocks: readonly ScopedBlock[]) => void;
}

interface Kept {
  readonly block: ThreatBlock;
  /** The id of the proxy that has told of it; '' for a proxy of another replica. */
  readonly teller: string;
}

/** What a host has used of its room: the times at which each entry is free again. */
interface Room {
  ends: number[];
  isWarned: boolean;
}

export class ThreatBlocks {
  readonly #options: ThreatBlocksOptions;
  readonly #byScope = new Map<string, Map<string, Kept>>();
  /** By scope and host. */
  readonly #rooms = new Map<string, Room>();
  #refused = 0;
  #forgetAt = 0;

  constructor(options: ThreatBlocksOptions) {
    this.#options = options;
  }

  /** For metrics: the blocks in force, and those that were refused. */
  get counts() {
    let kept = 0;
    for (const blocks of this.#byScope.values()) kept += blocks.size;
    return { kept, refused: this.#refused };
  }

  /** Takes blocks of a proxy of this controller. */
  take(teller: Teller, blocks: readonly ThreatBlock[]): void {
    const now = Date.now();
    this.#forget(now);
    const { scope, id, name } = teller;
    const taken = blocks.flatMap((told) => {
      const block = { ...told, origin: name };
      const isTaken = this.#isSound(block, now) && this.#isNews(scope, block) && this.#hasRoom(teller, block, now);
      return isTaken && this.#keep(scope, block, id) ? [block] : [];
    });
    if (taken.length === 0) return;
    this.#options.send(scope, taken, id);
    this.#options.spread(taken.map((block) => ({ scope, block })));
  }

  /** Takes blocks of another replica. */
  learn(blocks: readonly ScopedBlock[]): void {
    const now = Date.now();
    this.#forget(now);
    const taken = blocks.filter(
      ({ scope, block }) => this.#isSound(block, now) && this.#isNews(scope, block) && this.#keep(scope, block, ''),
    );
    for (const [scope, news] of Map.groupBy(taken, (each) => each.scope)) {
      const told = news.map(({ block }) => block);
      inMessages(told, (some) => this.#options.send(scope, some, ''));
    }
  }

  /** Tells a proxy that has connected the blocks of the others. */
  greet({ scope, id }: Pick<Teller, 'scope' | 'id'>, send: (blocks: readonly ThreatBlock[]) => void): void {
    const others = this.#inForce(scope).filter(({ teller }) => teller !== id);
    inMessages(
      others.map(({ block }) => block),
      send,
    );
  }

  /** Those in force, for other replicas. */
  all(): readonly ScopedBlock[] {
    const all = [...this.#byScope.keys()].flatMap((scope) => this.#inForce(scope).map(({ block }) => ({ scope, block })));
    return all.slice(-MAX_TOLD);
  }

  /** An operator has ended the blocks of a source at this time, milliseconds since the epoch. The command itself reaches the proxies. */
  release(text: string, at: number): void {
    for (const blocks of this.#byScope.values())
      for (const [key, { block }] of blocks) if (block.begun <= at && subjectText(block.source) === text) blocks.delete(key);
  }

  #inForce(scope: string): readonly Kept[] {
    const now = Date.now();
    return [...(this.#byScope.get(scope)?.values() ?? [])].filter(({ block }) => block.until > now);
  }

  #isNews(scope: string, { policy, source, until }: ThreatBlock): boolean {
    const known = this.#byScope.get(scope)?.get(keyOf(policy, source));
    return known === undefined || known.block.until < until;
  }

  /** Whether a block says what one says, is in force, and is younger than the command of an operator that ends it. */
  #isSound({ source, policy, cause, begun, until }: ThreatBlock, now: number): boolean {
    const subject = parseBlockSubject(source);
    if (!subject.ok || !POLICY.test(policy) || !CAUSE.test(cause)) {
      this.#refused++;
      return false;
    }
    return until > now && begun > this.#options.endedAt(subject.value.text);
  }

  #hasRoom({ scope, address, name }: Teller, { until }: ThreatBlock, now: number): boolean {
    const room = this.#roomOf(`${scope}|${hostOf(address)}`);
    if (room.ends.length < MAX_SHARED_OF_PROXY) {
      room.ends.push(Math.max(until, now + LEAST_MS));
      return true;
    }
    this.#refused++;
    const { log } = this.#options;
    if (!room.isWarned)
      log.warn({ proxy: name, scope, limit: MAX_SHARED_OF_PROXY }, 'a proxy blocks too many sources: the others share no more');
    room.isWarned = true;
    return false;
  }

  #roomOf(id: string): Room {
    let room = this.#rooms.get(id);
    if (room === undefined) this.#rooms.set(id, (room = { ends: [], isWarned: false }));
    return room;
  }

  /** Whether there was room for the block. */
  #keep(scope: string, block: ThreatBlock, teller: string): boolean {
    let blocks = this.#byScope.get(scope);
    if (blocks === undefined) this.#byScope.set(scope, (blocks = new Map()));
    const key = keyOf(block.policy, block.source);
    if (!blocks.has(key) && blocks.size >= MAX_SHARED) {
      this.#refused++;
      return false;
    }
    blocks.set(key, { block, teller });
    return true;
  }

  #forget(now: number): void {
    if (now < this.#forgetAt) return;
    this.#forgetAt = now + FORGET_MS;
    for (const [scope, blocks] of this.#byScope) {
      for (const [key, { block }] of blocks) if (block.until <= now) blocks.delete(key);
      if (blocks.size === 0) this.#byScope.delete(scope);
    }
    for (const [id, room] of this.#rooms) {
      room.ends = room.ends.filter((end) => end > now);
      if (room.ends.length === 0) this.#rooms.delete(id);
    }
  }
}

/** Hands blocks on in parts that fit into a message. */
function inMessages(blocks: readonly ThreatBlock[], send: (blocks: readonly ThreatBlock[]) => void): void {
  for (let i = 0; i < blocks.length; i += MAX_BLOCKS) send(blocks.slice(i, i + MAX_BLOCKS));
}

function keyOf(policy: string, source: string): string {
  return `${policy}|${source}`;
}

/** `HOST:PORT`, or a path of a socket. */
function hostOf(address: string): string {
  return address.slice(0, Math.max(0, address.lastIndexOf(':'))) || address;
}

/** A source in the form of the commands of operators. */
function subjectText(source: string): string {
  const subject = parseBlockSubject(source);
  return subject.ok ? subject.value.text : source;
}
