// The links between the leader and the other controllers, over which each answers for the proxies of all: the one that an operator asks,
// asks the others. Links form a star: a controller that does not lead asks the leader, which asks the rest.
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import type { ChannelCredentials, StatusObject } from '@grpc/grpc-js';
import { MAX_MESSAGE_BYTES } from '#api/wire/limits.ts';
import { connectRelay } from '#api/wire/relay.ts';
import type { LinkedStream, LinkStream, PeerMessage } from '#api/wire/relay.ts';
import { Backoff } from '#lib/backoff.ts';
import type { LimitReset, ListedLimit } from '#lib/limit/listing.ts';
import type { Ask, Lend } from '#lib/limit/share.ts';
import type { Log } from '#lib/log.ts';
import { COMMAND_MS } from '../telemetry/hub.ts';
import type { Borrowers, Order, ProxyEnd, TelemetryHub } from '../telemetry/hub.ts';
import type { Peers } from '../telemetry/fleet.ts';
import type { Lenders, LentKeys, LimitPeers } from '../telemetry/limit-desk.ts';
import type { Override } from '../telemetry/overrides.ts';
import type { WindowQuestion } from '../telemetry/window/part.ts';
import type { ScopedBlock } from '../telemetry/threat-blocks.ts';
import { LinkEnd } from './link-end.ts';
import type { PeerAsk } from './link-end.ts';
import { answerOf, joined } from './peer-answers.ts';
import type { LimitRequest, PeerReply, PeerRequest } from './peer-answers.ts';

const BACKOFF = { minimum: 200, maximum: 5_000 };
const CHANNEL = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  // As for reports: a controller is recognised by its identity.
  'grpc.ssl_target_name_override': 'controller',
};
/** Links at once. */
const MAX_LINKS = 64;
/** Requests that a controller remembers, so that it answers each once. */
const MAX_REMEMBERED = 1_000;

/** The time for a message to a controller and back, besides the time of the work there, milliseconds. */
const HOP_MS = 3_000;
/** The time for a look at what proxies have reported, and for an override, milliseconds. */
const LOOK_MS = 1_000;
/** The time for units of limits: proxies wait no longer. */
const LIMITS_MS = 1_000;
const OVERRIDE_MS = COMMAND_MS + HOP_MS;

/** The rest of a request to the others. `deadlineMs`: the time of the work. */
type Conditions = Pick<PeerAsk, 'deadlineMs' | 'part' | 'signal'>;

const QUIET = { part: () => undefined, signal: new AbortController().signal };

/** The work of the leader for limits of fleets. */
export interface Limits {
  lend(scope: string, borrower: string, asks: readonly Ask[]): readonly Lend[] | null;
  present(borrowers: Borrowers): Lenders | null;
  ownKeys(limits: readonly ListedLimit[], top: number): Promise<readonly LentKeys[]> | null;
  resetOwn(reset: LimitReset): Promise<number> | null;
}

export class PeerLinks implements Peers, LimitPeers {
  readonly #hub: TelemetryHub;
  readonly #log: Log;
  /** With the address of the other controller. */
  readonly #ends = new Map<LinkEnd, string>();
  readonly #answered = new Set<string>();
  /** Null if this controller leads, or the leader is unknown. */
  #leader: string | null = null;
  #stop = new AbortController();
  /** The end of the link to the leader. */
  #leaderEnd: LinkEnd | null = null;
  #limits: Limits | null = null;

  constructor(hub: TelemetryHub, log: Log) {
    this.#hub = hub;
    this.#log = log;
    hub.askCounted(async (proxy) => {
      const { counted } = await this.#others({ request: randomUUID(), operation: 'counted', proxy }, QUIET);
      return Math.max(0, ...counted);
    });
  }

  /** Keeps a link to the leader at `host:port`; null: none. `credentials` is called for each connection. */
  follow(leader: string | null, credentials: () => ChannelCredentials): void {
    if (leader === this.#leader) return;
    this.#leader = leader;
    this.#stop.abort();
    this.#stop = new AbortController();
    if (leader !== null) void this.#keep(leader, credentials, this.#stop.signal);
  }

  /** Sets what answers other controllers about limits while this one leads. */
  lendBy(limits: Limits): void {
    this.#limits = limits;
  }

  async borrow(scope: string, borrower: string, asks: readonly Ask[]): Promise<readonly Lend[] | null> {
    return (
      (await this.#askLeader<{ readonly lends: readonly Lend[] | null }>({ operation: 'borrow', scope, borrower, asks }))?.lends ?? null
    );
  }

  async present(borrowers: Borrowers): Promise<Lenders | null> {
    return (await this.#askLeader<{ readonly lenders: Lenders | null }>({ operation: 'present', borrowers }))?.lenders ?? null;
  }

  async list(limits: readonly ListedLimit[], top: number): Promise<readonly LentKeys[] | null> {
    return (await this.#askLeader<{ readonly keys: readonly LentKeys[] | null }>({ operation: 'listKeys', limits, top }))?.keys ?? null;
  }

  async reset(reset: LimitReset): Promise<number | null> {
    return (await this.#askLeader<{ readonly count: number | null }>({ operation: 'resetKeys', reset }))?.count ?? null;
  }

  /** The answer of the leader alone; null without it. */
  async #askLeader<Reply>(request: LimitRequest): Promise<Reply | null> {
    const end = this.#leaderEnd;
    if (end === null) return null;
    const reply = await end.ask({ ...QUIET, deadlineMs: LIMITS_MS, operation: request.operation, body: request });
    return reply.ok ? (reply.value as Reply) : null;
  }

  /** Takes the link of an authenticated controller. */
  accept(stream: LinkedStream): void {
    if (this.#ends.size >= MAX_LINKS) {
      stream.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'too many controllers' });
      return;
    }
    const end = this.#join(stream.getPeer(), stream);
    for (const over of ['end', 'cancelled', 'close']) stream.on(over, () => this.#leave(end));
    stream.on('end', () => stream.end());
  }

  async aggregates(): Promise<Pick<PeerReply, 'aggregates' | 'missing'>> {
    return this.#others({ request: randomUUID(), operation: 'aggregates' }, QUIET);
  }

  async states(): Promise<Pick<PeerReply, 'states' | 'missing'>> {
    return this.#others({ request: randomUUID(), operation: 'states' }, QUIET);
  }

  async windows(question: WindowQuestion): Promise<Pick<PeerReply, 'windows' | 'missing'>> {
    return this.#others({ request: randomUUID(), operation: 'window', question }, QUIET);
  }

  async errors(id: string | null): Promise<Pick<PeerReply, 'errorGroups' | 'missing'>> {
    return this.#others({ request: randomUUID(), operation: 'errors', id }, QUIET);
  }

  async samples(id: string): Promise<Pick<PeerReply, 'samples' | 'missing'>> {
    return this.#others({ request: randomUUID(), operation: 'samples', id }, QUIET);
  }

  async override(override: Override): Promise<readonly ProxyEnd[]> {
    return (await this.#others({ request: randomUUID(), operation: 'override', override }, QUIET)).ends;
  }

  /** Tells all others of new blocks of threat detection. */
  share(blocks: readonly ScopedBlock[]): void {
    if (this.#ends.size > 0) void this.#others({ request: randomUUID(), operation: 'blocks', blocks, wantsAll: false }, QUIET);
  }

  async command({ action, deadlineMs, proxies, chunk, signal }: Order): Promise<readonly ProxyEnd[]> {
    const request: PeerRequest = { request: randomUUID(), operation: 'command', action, deadlineMs, proxies };
    return (await this.#others(request, { part: chunk, signal })).ends;
  }

  /** The replies of all others; for another controller (`from`), of all besides that one. */
  async #others(request: PeerRequest, { part, signal }: Omit<Conditions, 'deadlineMs'>, from: LinkEnd | null = null): Promise<PeerReply> {
    // The leader may have to ask the rest first.
    const deadlineMs = workOf(request) + (from === null ? 2 : 1) * HOP_MS;
    this.#remember(request.request);
    const asked = [...this.#ends].filter(([end]) => end !== from);
    const replies = asked.map(async ([end, name]): Promise<Partial<PeerReply>> => {
      const reply = await end.ask({ deadlineMs, part, signal, operation: request.operation, body: request });
      if (reply.ok) return reply.value as Partial<PeerReply>;
      this.#log.warn({ controller: name, reason: reply.error }, 'another controller does not answer for its proxies');
      return { missing: [name] };
    });
    return joined(await Promise.all(replies));
  }

  #reply(from: LinkEnd, request: PeerRequest | LimitRequest, conditions: Omit<Conditions, 'deadlineMs'>): Promise<object> {
    switch (request.operation) {
      case 'borrow':
      case 'present':
      case 'listKeys':
      case 'resetKeys':
        return this.#limits === null ? Promise.resolve({}) : limitReply(this.#limits, request);
      default:
        return this.#answer(from, request, conditions);
    }
  }

  /** The answer to a request of another controller: that of this one and of those that it is linked to. */
  async #answer(from: LinkEnd, request: PeerRequest, conditions: Omit<Conditions, 'deadlineMs'>): Promise<PeerReply> {
    // Two links between the same controllers, as for moments after the leader changed, carry a request twice.
    if (this.#answered.has(request.request)) return joined([]);
    const others = this.#others(request, conditions, from);
    return joined([await answerOf(request, this.#hub, conditions), await others]);
  }

  #remember(request: string): void {
    this.#answered.add(request);
    if (this.#answered.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#answered) return void this.#answered.delete(oldest);
  }

  async #keep(leader: string, credentials: () => ChannelCredentials, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(BACKOFF);
    while (!signal.aborted) {
      const reason = await this.#link(leader, credentials(), signal);
      if (signal.aborted) return;
      this.#log.warn({ leader, reason }, 'no link to the leader: status and commands miss the proxies of other controllers');
      await delay(backoff.next(), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Resolves to the reason why the link ended. */
  async #link(leader: string, credentials: ChannelCredentials, signal: AbortSignal): Promise<string> {
    const client = connectRelay(leader, credentials, CHANNEL);
    const { promise, resolve } = Promise.withResolvers<string>();
    const stream = client.link();
    stream.on('error', () => undefined);
    stream.on('status', ({ code, details }: StatusObject) => resolve(`${status[code]}: ${details}`));
    const cancel = (): void => stream.cancel();
    signal.addEventListener('abort', cancel);
    const end = this.#join(leader, stream);
    this.#leaderEnd = end;
    void this.#exchangeOverrides(end);
    void this.#exchangeBlocks(end);
    try {
      return await promise;
    } finally {
      if (this.#leaderEnd === end) this.#leaderEnd = null;
      this.#leave(end);
      signal.removeEventListener('abort', cancel);
      client.close();
    }
  }

  /** Each end learns the overrides of the other. */
  async #exchangeOverrides(end: LinkEnd): Promise<void> {
    const request: PeerRequest = { request: randomUUID(), operation: 'overrides', overrides: this.#hub.overrides.all() };
    this.#remember(request.request);
    const reply = await end.ask({ ...QUIET, deadlineMs: LOOK_MS + 2 * HOP_MS, operation: request.operation, body: request });
    if (!reply.ok) return;
    for (const override of joined([reply.value as Partial<PeerReply>]).overrides) this.#hub.learn(override);
  }

  /** Each end learns the blocks of threat detection of the other. */
  async #exchangeBlocks(end: LinkEnd): Promise<void> {
    const request: PeerRequest = { request: randomUUID(), operation: 'blocks', blocks: this.#hub.threats.all(), wantsAll: true };
    this.#remember(request.request);
    const reply = await end.ask({ ...QUIET, deadlineMs: LOOK_MS + 2 * HOP_MS, operation: request.operation, body: request });
    if (reply.ok) this.#hub.threats.learn(joined([reply.value as Partial<PeerReply>]).blocks);
  }

  #join(name: string, stream: LinkedStream | LinkStream): LinkEnd {
    const send = (message: PeerMessage): Promise<void> => written(stream, message);
    const end: LinkEnd = new LinkEnd(send, (_, body, conditions) => this.#reply(end, body as PeerRequest | LimitRequest, conditions));
    this.#ends.set(end, name);
    stream.on('data', (message: PeerMessage) => {
      const taken = end.receive(message);
      if (taken === undefined) return;
      stream.pause();
      void taken.finally(() => stream.resume());
    });
    return end;
  }

  #leave(end: LinkEnd): void {
    end.close();
    this.#ends.delete(end);
  }
}

/** What a controller says about limits of the fleet; null if another one leads. */
async function limitReply(limits: Limits, request: LimitRequest): Promise<object> {
  switch (request.operation) {
    case 'borrow':
      return { lends: limits.lend(request.scope, request.borrower, request.asks) };
    case 'present':
      return { lenders: limits.present(request.borrowers) };
    case 'listKeys':
      return { keys: await limits.ownKeys(request.limits, request.top) };
    case 'resetKeys':
      return { count: await limits.resetOwn(request.reset) };
  }
}

/** The time of the work of a request, milliseconds. */
function workOf(request: PeerRequest): number {
  if (request.operation === 'command') return request.deadlineMs + HOP_MS;
  return request.operation === 'override' ? OVERRIDE_MS : LOOK_MS;
}

/** Resolves when HTTP/2 has taken the message, or the stream has ended. */
function written(stream: LinkedStream | LinkStream, message: PeerMessage): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (stream.destroyed || !stream.writable) return Promise.resolve();
  stream.once('close', resolve);
  stream.write(message, () => {
    stream.removeListener('close', resolve);
    resolve();
  });
  return promise;
}
