// All proxies that report to this controller: takes their streams, keeps what they report, and sends commands to them.
import { askOf } from '#api/wire/lending.ts';
import type {
  Action,
  AskMessage,
  GaugesMessage,
  LendingMessage,
  OverrideMessage,
  TelemetryHello,
  ThreatBlock,
} from '#api/wire/telemetry-messages.ts';
import { INTERVAL_MS, MAX_INTERVAL_MS, MAX_OVERRIDES } from '#api/wire/telemetry-limits.ts';
import type { Ask as AskForUnits, Lend as LentUnits } from '#lib/limit/share.ts';
import type { Log } from '#lib/log.ts';
import { ok, type Result } from '#lib/result.ts';
import { mergeEntries } from './aggregate.ts';
import type { Aggregate, ProxySeen, SubscribedProxy } from './aggregate.ts';
import { isBlock, Overrides } from './overrides.ts';
import type { Override } from './overrides.ts';
import { MAX_STATES } from './proxy-states.ts';
import type { ProxyStates } from './proxy-states.ts';
import { ErrorBook } from './errors/error-book.ts';
import { ProxyStream } from './proxy-stream.ts';
import type { CommandEnd, Greeted, ProxyPeer } from './proxy-stream.ts';
import { ProxyView } from './proxy-view.ts';
import { Room } from './room.ts';
import { Window } from './window/window.ts';
import { ThreatBlocks } from './threat-blocks.ts';
import type { ScopedBlock } from './threat-blocks.ts';

/** How long a proxy without a stream is shown, milliseconds. */
const AWAY_MS = 10 * 60_000;
/** Proxies without a stream that are kept, the last ones. */
const MAX_AWAY = 1_000;
/** Entries that all proxies together may have: about 100 MB. */
const MAX_ENTRIES = 200_000;
/** With many proxies each reports more rarely: a controller takes about this many reports per second. */
const REPORTS_PER_SECOND = 100;
/** A proxy is late after this many intervals without a report. */
const LATE_INTERVALS = 3;

/** How long a proxy waits for the answers of other controllers about its reports, milliseconds. */
const COUNTED_MS = 2_000;

/** The time for a command that is done at once, milliseconds. */
export const COMMAND_MS = 4_000;

export interface HubOptions {
  readonly log: Log;
  /** The proxies with push streams: one of an earlier release has no telemetry stream. */
  readonly subscribed: () => readonly SubscribedProxy[];
  /** Called with each new override, to keep it. */
  readonly overridden?: (override: Override) => void;
  /** Called with new blocks of threat detection of proxies, for other replicas. */
  readonly blocked?: (blocks: readonly ScopedBlock[]) => void;
  /** The least interval at which proxies report, milliseconds. */
  readonly intervalMs?: number;
  /** Milliseconds on a monotonic clock. */
  readonly now?: () => number;
}

/** The end of a command at one proxy. */
export interface ProxyEnd extends CommandEnd {
  readonly proxy: string;
  readonly scope: string;
}

/** A command for several proxies. */
export interface Order {
  readonly action: Action;
  readonly deadlineMs: number;
  /** The names of the proxies; null for all. */
  readonly proxies: readonly string[] | null;
  /** Takes the parts of the results. A promise: send no more until it resolves. */
  readonly chunk: (proxy: string, data: Buffer) => void | Promise<void>;
  /** The caller needs no more. */
  readonly signal: AbortSignal;
}

/** Before the first report. */
const NO_GAUGES: GaugesMessage = { memory: 0, lagMs: 0, connections: 0, requests: 0, workers: 0, draining: false, uptimeMs: 0 };

interface Member {
  readonly id: string;
  readonly hello: TelemetryHello;
  readonly scope: string;
  readonly address: string;
  readonly view: ProxyView;
  /** Null: its stream has ended. */
  stream: ProxyStream | null;
  awaySince: number;
  connectedAt: number;
  /** What it has heard about the lender. */
  lending: string;
}

/** Lends units of limits to a proxy of a scope. Resolves to none if there is no lender. */
export type Lend = (scope: string, borrower: string, asks: readonly AskForUnits[]) => Promise<readonly LentUnits[]>;

/** The proxies of each scope. */
export type Borrowers = readonly {
  readonly scope: string;
  readonly borrowers: readonly string[];
  /** Those of them that drain. A controller of an earlier release does not tell them. */
  readonly draining?: readonly string[];
}[];

/** The ends of a stream that a transport calls. */
export interface Accepted {
  receive: ProxyStream['receive'];
  close(): void;
}

export class TelemetryHub {
  readonly #options: HubOptions;
  readonly #now: () => number;
  readonly #room = new Room(MAX_ENTRIES);
  readonly #members = new Map<string, Member>();
  readonly overrides = new Overrides();
  /** What the proxies of this controller have counted in the last two hours. */
  readonly window: Window;
  readonly threats: ThreatBlocks;
  /** The failures that they have reported. */
  readonly errors = new ErrorBook();
  /** This controller knows all overrides in force: it has read its store. */
  #knowsOverrides = false;
  #lendBy: Lend = () => Promise.resolve([]);
  #joined: () => void = () => undefined;
  #countedBy: (id: string) => Promise<number> = () => Promise.resolve(0);
  #reports = 0;
  #commands = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.window = new Window({ now: this.#now });
    this.threats = new ThreatBlocks({
      log: options.log,
      endedAt: (source) => this.overrides.blockEndedAt(source),
      send: (scope, blocks, teller) => this.#share(scope, blocks, teller),
      spread: (blocks) => options.blocked?.(blocks),
    });
  }

  /** For metrics. */
  get counts() {
    const connected = [...this.#members.values()].filter(({ stream }) => stream !== null).length;
    return {
      connected,
      away: this.#members.size - connected,
      reports: this.#reports,
      commands: this.#commands,
      entries: this.#room.taken,
      refused: this.#room.refused,
    };
  }

  /** Takes the stream of a proxy. */
  accept(peer: ProxyPeer): Accepted {
    let member: Member | null = null;
    const stream: ProxyStream = new ProxyStream(peer, {
      greeted: (hello) => {
        member = this.#join(hello, stream);
        setImmediate(this.#joined);
        setImmediate((joined) => this.threats.greet(joined, (blocks) => peer.send({ message: 'shared', shared: { blocks } })), member);
        return this.#greet(member);
      },
      reported: (report, isNew) => {
        this.#reports++;
        if (!isNew || member === null) return;
        this.window.count(report);
        this.errors.count(member.hello.nodeId, report.errors ?? []);
      },
      asked: (asks) => {
        if (member !== null) void this.#lend(member, asks);
      },
      blocked: (blocks) => {
        if (member !== null) this.threats.take({ ...member, name: member.hello.nodeId }, blocks);
      },
    });
    const close = (): void => {
      stream.close();
      if (member?.stream === stream) this.#leave(member);
    };
    return { receive: (message) => stream.receive(message), close };
  }

  /** What the proxies of this controller see. */
  aggregate(): Aggregate {
    this.#forget();
    const members = [...this.#members.values()];
    // Only the controller that a proxy reports to counts it, so that the views of replicas can be added up.
    const entries = members.filter(({ stream }) => stream !== null).map(({ view, hello }) => view.entries(hello.nodeId));
    return {
      proxies: members.map((member) => this.#seen(member)),
      subscribed: this.#options.subscribed(),
      ...mergeEntries(entries),
      refused: this.#room.refused,
    };
  }

  /** The states that the proxies of this controller report, of those that have any. */
  states(): readonly ProxyStates[] {
    const states: ProxyStates[] = [];
    let room = MAX_STATES;
    for (const { stream, view, hello } of this.#members.values()) {
      if (stream === null || room <= 0) continue;
      const own = view.states(hello.nodeId);
      const count = Object.keys(own.endpoints).length + Object.keys(own.breakers).length;
      room -= count;
      if (count > 0) states.push(own);
    }
    return states;
  }

  /** Sends a command to proxies of this controller. Resolves to all ends; never rejects. */
  async command({ action, deadlineMs, proxies, chunk, signal }: Order): Promise<readonly ProxyEnd[]> {
    const meant = [...this.#members.values()].filter(({ hello }) => proxies === null || proxies.includes(hello.nodeId));
    return Promise.all(
      meant.flatMap(async ({ hello: { nodeId }, scope, stream }) => {
        if (stream === null) return { proxy: nodeId, scope, outcome: 'away', reason: 'the proxy is not connected' };
        this.#commands++;
        const end = await stream.command(action, deadlineMs, (data) => chunk(nodeId, data), signal);
        return { proxy: nodeId, scope, ...end };
      }),
    );
  }

  /** Sets an override and sends it to the proxies of this controller. Resolves to all ends, or to the reason of a refusal. */
  async override(override: Override): Promise<Result<readonly ProxyEnd[]>> {
    const set = this.overrides.set(override);
    if (!set.ok) return set;
    if (set.value) this.#options.overridden?.(override);
    if (isBlock(override) && override.state === 'auto') this.threats.release(override.endpoint, override.at);
    const action: Action = { action: 'override', override: messageOf(override) };
    const { signal } = new AbortController();
    return ok(await this.command({ action, deadlineMs: COMMAND_MS, proxies: null, chunk: () => undefined, signal }));
  }

  /** Takes all overrides that the store has kept. */
  learnAll(overrides: readonly Override[]): void {
    for (const override of overrides) this.learn(override);
    this.#knowsOverrides = true;
  }

  /** Takes an override of another replica or of the store. Proxies learn it if it is new. */
  learn(override: Override): void {
    const known = this.overrides.all().find((each) => isSameTarget(each, override));
    if (known === undefined || known.at < override.at) void this.override(override);
  }

  /** Sets what lends units of limits, and is told of each proxy that connects. */
  lendBy(lend: Lend, joined: () => void): void {
    this.#lendBy = lend;
    this.#joined = joined;
  }

  /** Sets what asks the other controllers for the last report of a proxy that they have counted. Never rejects. */
  askCounted(countedBy: (id: string) => Promise<number>): void {
    this.#countedBy = countedBy;
  }

  /** The last report of a proxy that this controller has counted; 0 for none. */
  counted(id: string): number {
    return this.#members.get(id)?.view.sequence ?? 0;
  }

  /** The proxies with a stream, by scope. */
  borrowers(): Borrowers {
    const connected = [...this.#members.values()].filter(({ stream }) => stream !== null);
    return [...Map.groupBy(connected, ({ scope }) => scope)].map(([scope, members]) => {
      const draining = members.filter(({ view }) => view.gauges?.draining === true);
      return { scope, borrowers: members.map(({ id }) => id), draining: draining.map(({ id }) => id) };
    });
  }

  /** Tells proxies who lends in their scope, as far as they have not heard it. */
  tellLending(lendingOf: (scope: string) => LendingMessage): void {
    for (const member of this.#members.values()) {
      if (member.stream === null) continue;
      const lending = lendingOf(member.scope);
      const text = `${lending.lender} ${lending.borrowers} ${lending.proxies}`;
      if (text === member.lending) continue;
      member.lending = text;
      member.stream.peer.send({ message: 'lending', lending });
    }
  }

  /** Ends all streams: proxies connect to another controller. */
  stop(): void {
    for (const { stream } of this.#members.values()) stream?.peer.end('stopping', 'the controller stops');
  }

  /** The interval at which proxies report, milliseconds. */
  get #intervalMs(): number {
    return Math.min(
      MAX_INTERVAL_MS,
      Math.max(this.#options.intervalMs ?? INTERVAL_MS, Math.round((this.#members.size / REPORTS_PER_SECOND) * 1_000)),
    );
  }

  #share(scope: string, blocks: readonly ThreatBlock[], teller: string): void {
    for (const { id, scope: own, stream } of this.#members.values())
      if (own === scope && id !== teller) stream?.peer.send({ message: 'shared', shared: { blocks } });
  }

  async #lend(member: Member, messages: readonly AskMessage[]): Promise<void> {
    const asks = messages.map(askOf).filter((ask) => ask !== null);
    const lends = await this.#lendBy(member.scope, member.id, asks);
    if (lends.length > 0) member.stream?.peer.send({ message: 'lends', lends: { lends } });
  }

  #join(hello: TelemetryHello, stream: ProxyStream): Member {
    this.#forget();
    const { scope, address } = stream.peer;
    const id = `${scope}|${hello.nodeId}|${hello.instance}`;
    const known = this.#members.get(id);
    known?.stream?.peer.end('invalid', 'the proxy has opened another stream');
    // A proxy that has started anew replaces itself.
    for (const [other, member] of this.#members)
      if (member.stream === null && member.scope === scope && member.hello.nodeId === hello.nodeId && other !== id) this.#remove(other);
    const view = known?.view ?? new ProxyView(this.#room, this.#now);
    const member: Member = { id, hello, scope, address, view, stream, awaySince: 0, connectedAt: this.#now(), lending: '' };
    this.#members.set(id, member);
    this.#options.log.info({ proxy: hello.nodeId, scope, address, version: hello.weirVersion }, 'a proxy reports');
    return member;
  }

  /** A proxy that comes from another controller has a report whose confirmation it may have missed. */
  #greet(member: Member): Greeted | Promise<Greeted> {
    const { unconfirmed = 0 } = member.hello;
    if (unconfirmed <= member.view.sequence) return this.#welcome(member, 0);
    const { promise: late, resolve } = Promise.withResolvers<number>();
    const timer = setTimeout(() => resolve(0), COUNTED_MS);
    return Promise.race([this.#countedBy(member.id), late]).then((counted) => {
      clearTimeout(timer);
      return this.#welcome(member, counted);
    });
  }

  #welcome({ view }: Member, countedElsewhere: number): Greeted {
    const { overrides: all } = this;
    const withdrawn = all.all().filter(({ state }) => state === 'auto');
    const overrides = [...all.inForce(), ...withdrawn].map(messageOf).slice(0, 2 * MAX_OVERRIDES);
    return { view, welcome: { intervalMs: this.#intervalMs, overrides, overridesComplete: this.#knowsOverrides, countedElsewhere } };
  }

  #leave(member: Member): void {
    member.stream = null;
    member.awaySince = this.#now();
    // The latest come last.
    this.#members.delete(member.id);
    this.#members.set(member.id, member);
    this.#options.log.info({ proxy: member.hello.nodeId, scope: member.scope }, 'a proxy reports no more');
    this.#forget();
  }

  #forget(): void {
    const away = [...this.#members.values()].filter(({ stream }) => stream === null);
    const before = this.#now() - AWAY_MS;
    const excess = away.length - MAX_AWAY;
    for (const [index, { id, awaySince }] of away.entries()) if (index < excess || awaySince < before) this.#remove(id);
  }

  #remove(id: string): void {
    this.#members.get(id)?.view.clear();
    this.#members.delete(id);
  }

  #seen({ id, hello, scope, address, view, stream, connectedAt }: Member): ProxySeen {
    const now = this.#now();
    const silent = now - Math.max(view.reportedAt ?? 0, connectedAt);
    const present = silent > LATE_INTERVALS * this.#intervalMs ? 'late' : 'reporting';
    return {
      ...{ id, node: hello.nodeId, scope, version: hello.weirVersion, address },
      state: stream === null ? 'away' : present,
      reportAgeMs: view.reportedAt === null ? null : Math.round(now - view.reportedAt),
      revision: view.revision,
      ...(view.gauges ?? { ...NO_GAUGES, workers: hello.workers }),
      commands: hello.commands,
    };
  }
}

function isSameTarget(one: Override, other: Override): boolean {
  return one.kind === other.kind && one.backend === other.backend && one.endpoint === other.endpoint;
}

function messageOf({ at: _, ...message }: Override): OverrideMessage {
  return message;
}
