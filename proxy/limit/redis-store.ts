// Limits that count in Redis: exact for all proxies, one round trip for each request. A server that is slow or away costs a request at most
// the timeout, and after some failures nothing: the breaker lets one request try again each second.
import { Cluster } from 'ioredis';
import type { Redis } from 'ioredis';
import type { Decision } from '#lib/limit/decision.ts';
import type { Terms } from '#lib/limit/share.ts';
import { CLOCKS } from '#lib/limit/store.ts';
import type { LimitStore } from '#lib/limit/store.ts';
import type { RedisClient } from '#lib/redis.ts';
import type { RedisConnection } from '#lib/redis-connection.ts';
import { runScript } from '#lib/redis-script.ts';
import type { LaneCommand } from '#lib/redis-lane.ts';
import { redisSlot } from '#lib/redis-slot.ts';
import type { RespAnswer } from '#lib/resp-reader.ts';
import { turnTime } from '#lib/turn-clock.ts';
import { RecentKeys } from './recent-keys.ts';
import { prefixOf, RedisCounter } from './redis-counter.ts';
import { addressOf, RedisMaster } from './redis-master.ts';

/** Keys that one answer of a scan looks at. */
const SCANNED = 1_000;
/** The script has not run: the client finds the server that has the key now, and brings the script. */
const NOT_RUN = /^(?:NOSCRIPT|MOVED|ASK|TRYAGAIN|CLUSTERDOWN|READONLY|LOADING|MASTERDOWN) /;

type Connection = Pick<RedisConnection, 'client' | 'close' | 'timeoutMs'>;

export class RedisStore implements LimitStore {
  readonly #connection: Connection;
  /** By address; '' outside a Cluster. */
  readonly #masters = new Map<string, RedisMaster>();
  readonly #counters = new WeakMap<Terms, RedisCounter>();
  /** Keys that this worker asked about lately. */
  readonly recent = new RecentKeys(CLOCKS.steady);
  /** The Cluster whose masters are known. */
  #cluster: Cluster | null = null;
  #failures = 0;
  readonly #outcomes: Outcomes = {
    counted: ({ asked: { terms, key, name } }, left, resetMs) => this.recent.learn(name, terms.id, key, left, resetMs),
    notRun: (question) => void this.#askClient(question),
    failed: () => void this.#failures++,
  };

  /** Ends the connection at `close`. */
  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Asks Redis. Null if it does not answer in time. Never rejects. */
  take(terms: Terms, key: string, cost: number): Promise<Decision | null> {
    return new Promise((resolve) => this.#ask(terms, key, cost, false, resolve));
  }

  /** As Meter.charge. */
  charge(terms: Terms, key: string, cost: number): void {
    this.#ask(terms, key, cost, true, ignore);
  }

  /** As LimitStore.giveBack. */
  giveBack(terms: Terms, key: string, cost: number): void {
    this.#ask(terms, key, -cost, true, ignore);
  }

  /** What is left of a key. Null if Redis does not answer in time. */
  look(terms: Terms, key: string): Promise<Decision | null> {
    return this.take(terms, key, 0);
  }

  /** Forgets what keys of a limit (the id of its terms) have taken that this worker asked about lately. Resolves to their number; rejects without Redis. */
  async reset(id: string, isMeant: (key: string) => boolean): Promise<number> {
    const client = this.#client();
    const counts = await Promise.all(this.recent.names(id, isMeant).map((name) => client.unlink(name)));
    this.recent.forget(id, isMeant);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Forgets what all keys of a limit have taken. Resolves to their number; rejects without Redis. */
  async resetAll(id: string): Promise<number> {
    const client = this.#client();
    const masters = client instanceof Cluster ? client.nodes('master') : [client];
    const counts = await Promise.all(masters.map((node) => unlinkAll(node, `${prefixOf(id)}*`)));
    this.recent.forget(id, () => true);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Questions without an answer. */
  get failures(): number {
    return this.#failures;
  }

  /** A breaker is open: Redis, or a master of it, is not asked. */
  get isAway(): boolean {
    return [...this.#masters.values()].some(({ breaker }) => breaker.isOpen);
  }

  close(): void {
    for (const master of this.#masters.values()) master.close();
    this.#connection.close();
  }

  #ask(terms: Terms, key: string, cost: number, isForced: boolean, decided: Decided): void {
    const { client } = this.#connection;
    if (client === null) return this.#fail(decided);
    const counter = this.#counterOf(terms);
    const name = counter.nameOf(key);
    const master = this.#masterOf(client, name);
    if (!master.breaker.permits(turnTime())) return this.#fail(decided);
    const question = new Question(this.#outcomes, counter, { terms, key, name, cost, isForced }, master, decided);
    const text = counter.commandOf(name, cost, isForced, Date.now());
    if (!master.send(client, text, question)) void this.#askClient(question);
  }

  /** Asks by the client, which follows keys to other servers. */
  async #askClient(question: Question): Promise<void> {
    const { counter, asked } = question;
    const { name, cost, isForced } = asked;
    try {
      const answer = await runScript(this.#client(), counter.script, [name], counter.argumentsOf(cost, isForced, Date.now()));
      question.counted(answer as readonly number[]);
    } catch {
      question.fail();
    }
  }

  #fail(decided: Decided): void {
    this.#failures++;
    decided(null);
  }

  #masterOf(client: RedisClient, name: string): RedisMaster {
    if (client instanceof Cluster && client !== this.#cluster) this.#follow(client);
    const address = client instanceof Cluster ? (client.slots[redisSlot(name)]?.[0] ?? '') : '';
    let master = this.#masters.get(address);
    if (master === undefined) this.#masters.set(address, (master = new RedisMaster(address, this.#connection.timeoutMs)));
    return master;
  }

  /** Forgets the servers that leave the Cluster. */
  #follow(cluster: Cluster): void {
    this.#cluster = cluster;
    cluster.on('-node', ({ options }: Redis) => {
      this.#masters.get(addressOf(options))?.close();
      this.#masters.delete(addressOf(options));
    });
  }

  #client(): RedisClient {
    const { client } = this.#connection;
    if (client === null) throw new Error('there is no connection to redis yet');
    return client;
  }

  #counterOf(terms: Terms): RedisCounter {
    let counter = this.#counters.get(terms);
    if (counter === undefined) this.#counters.set(terms, (counter = new RedisCounter(terms)));
    return counter;
  }
}

type Decided = (decision: Decision | null) => void;

function ignore(): void {
  return undefined;
}

interface Asked {
  readonly terms: Terms;
  readonly key: string;
  readonly name: string;
  readonly cost: number;
  readonly isForced: boolean;
}

interface Outcomes {
  counted(question: Question, left: number, resetMs: number): void;
  notRun(question: Question): void;
  failed(): void;
}

/** A question to Redis under way. */
class Question implements LaneCommand {
  readonly counter: RedisCounter;
  readonly asked: Asked;
  readonly #outcomes: Outcomes;
  readonly #master: RedisMaster;
  readonly #decided: Decided;

  constructor(outcomes: Outcomes, counter: RedisCounter, asked: Asked, master: RedisMaster, decided: Decided) {
    this.counter = counter;
    this.asked = asked;
    this.#outcomes = outcomes;
    this.#master = master;
    this.#decided = decided;
  }

  answered(answer: RespAnswer): void {
    if (!(answer instanceof Error)) return this.counted(answer);
    if (NOT_RUN.test(answer.message)) this.#outcomes.notRun(this);
    else this.fail();
  }

  failed(): void {
    this.fail();
  }

  counted(answer: readonly number[]): void {
    const [allowed, left, resetMs, waitMs] = answer;
    if (left === undefined || resetMs === undefined || waitMs === undefined) return this.fail();
    this.#master.breaker.succeeded(turnTime());
    this.#outcomes.counted(this, left, resetMs);
    this.#decided({ allowed: allowed === 1, left, resetMs, waitMs });
  }

  fail(): void {
    this.#master.breaker.failed(turnTime());
    this.#outcomes.failed();
    this.#decided(null);
  }
}

/** Names have no characters with a meaning in patterns. A Cluster refuses one command about keys of several slots. */
async function unlinkAll(node: Redis, pattern: string): Promise<number> {
  let count = 0;
  let cursor = '0';
  do {
    const [next, names] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', SCANNED);
    cursor = next;
    const unlinked = await Promise.all(names.map((name) => node.unlink(name)));
    count += unlinked.reduce((sum, each) => sum + each, 0);
  } while (cursor !== '0');
  return count;
}
