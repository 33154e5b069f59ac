// One worker: everything that serves requests on one event loop. It gets resources and does not know their source.
import { Registry } from 'prom-client';
import type * as ir from '#api/ir/ir.ts';
import { normaliseHost, normalisePath } from '#api/match/normalise.ts';
import type { Log } from '#lib/log.ts';
import { TimerWheel } from '#lib/timer-wheel.ts';
import { SharedCache } from './cache/shared-cache.ts';
import { EndpointRegistry } from './cluster/endpoint.ts';
import type { Endpoint, EndpointTells } from './cluster/endpoint.ts';
import { downstreamCodec, upstreamPools } from './codecs.ts';
import { ProbeBook } from './cluster/health/probe-book.ts';
import { reasonsOf } from './cluster/variant.ts';
import type { ConnectionFailure } from './codec/h2/connection-failures.ts';
import { FloodCounts } from './codec/h2/floods.ts';
import type { BindingState } from './exchange/binding-state.ts';
import { Bugs } from './exchange/bugs.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { RequestFilter } from './exchange/plan.ts';
import { GrpcMethodCounts } from './exchange/grpc-method-counts.ts';
import { Hop } from './exchange/hop.ts';
import { HubCounts } from './exchange/hub-counts.ts';
import type { Limits } from './exchange/limits.ts';
import { RefusedConnections } from './exchange/refused-connections.ts';
import type { Ask } from './exchange/subrequest.ts';
import { splitTrippedKey } from './exchange/notices.ts';
import type { Notice } from './exchange/notices.ts';
import type { ClaimPort } from './exchange/port-claim.ts';
import { limitFamilies } from './limit/limit-metrics.ts';
import { WorkerLimits } from './limit/worker-limits.ts';
import { inspectChain } from './chain-inspection.ts';
import { purgeCache } from './cache-purge.ts';
import { inspectConnections } from './connection-inspection.ts';
import { inspectMethods, type MethodSources } from './grpc-methods.ts';
import { inspectLimits } from './limit-inspection.ts';
import type { LendingStore, LimitStore } from '#lib/limit/store.ts';
import type { Ask as AskForShare, Lend } from '#lib/limit/share.ts';
import type { RedisSettings } from '#lib/redis.ts';
import { WorkerRedis } from './redis/worker-redis.ts';
import { ProcessorCounts } from './exchange/processor-counts.ts';
import { RefusalCounts } from './exchange/refusal-counts.ts';
import { OpenConnections } from './exchange/open-connections.ts';
import { OpenSessions } from './exchange/open-sessions.ts';
import { OperatorBlocks } from './exchange/operator-blocks.ts';
import { WorkerBroadcast } from './exchange/worker-broadcast.ts';
import { WorkerReplays } from './exchange/worker-replays.ts';
import type { ReplayQuestion } from './exchange/worker-replays.ts';
import type { ReplayVerdict } from '#lib/replays.ts';
import type { FilterDependencies, FilterKind } from './filter/filter.ts';
import { BlockedSources } from './filter/threats/blocked-sources.ts';
import { RulesInForce } from './filter/rules-in-force.ts';
import { MalformedRequests } from './filter/threats/malformed-requests.ts';
import { FilterPool } from './filter/filter-pool.ts';
import { MemoryStore } from './hub/memory-store.ts';
import { RedisStore } from './hub/redis-store.ts';
import { SupervisedTopics, type TopicAsk, type TopicTold } from './hub/supervised-topics.ts';
import type { StoreListener } from './hub/topic-store.ts';
import { WorkerTopics } from './hub/worker-topics.ts';
import type { KeyAsk, KeyTold } from './idempotency/memory-store.ts';
import { WorkerKeys } from './idempotency/worker-keys.ts';
import { IsolatedRequestPath } from './isolated-request-path.ts';
import type { Inspected, Inspecting, Inspection } from './inspection/inspection.ts';
import { inspectProcess } from './inspection/process.ts';
import { Challenges } from './listener/challenges.ts';
import { ListenerSockets } from './listener/listener-sockets.ts';
import type { ListenerSocketsOptions } from './listener/listener-sockets.ts';
import { Shedding } from './overload/shedding.ts';
import type { OverloadListener } from './overload/shedding.ts';
import type { Signal } from './overload/signal.ts';
import { overloadSignals } from './overload/signals.ts';
import type { AddressRange } from '#lib/address-range.ts';
import type { DocumentTimes } from './outside/documents.ts';
import { WorkerOutside } from './outside/worker-outside.ts';
import { Passwords } from './filter/authentication/passwords.ts';
import { ConsumerIndex } from './runtime/consumer-index.ts';
import { WorkerPlugins } from './plugin/worker-plugins.ts';
import { ObjectDataStore } from './runtime/object-data.ts';
import { RuntimeBuilder } from './runtime/build.ts';
import { servicePlan } from './runtime/plan.ts';
import type { ResourceError, ResourceName } from '#api/wire/encode.ts';
import type { AccessLogSettings } from './telemetry/access-log/access-log.ts';
import { registerFamilies } from '#lib/metric.ts';
import { Telemetry } from './telemetry/telemetry.ts';
import { upstreamFamilies } from './telemetry/upstream-metrics.ts';
import { workerFamilies } from './telemetry/worker-metrics.ts';
import { WorkerReports } from './telemetry/worker-report.ts';
import type { WorkerReport } from './telemetry/worker-report.ts';
import { Calls } from './upstream/calls.ts';
import { Gathering } from './upstream/gathering.ts';
import { Mirror } from './upstream/mirror.ts';
import { Subrequests } from './upstream/subrequest.ts';
import { createDial } from './upstream/dial.ts';

/** The maximum time to write the last lines of the logs. */
const LOG_TIMEOUT_MS = 2_000;

/** The options of a worker. */
export interface WorkerOptions {
  readonly limits: Limits;
  /** `off`, `stdout` or a file. */
  readonly accessLog: string;
  /** The default is JSON with the default fields. */
  readonly accessLogSettings?: AccessLogSettings;
  /** `off`, the default, `stdout` or a file. */
  readonly securityLog?: string;
  /** The name of the proxy in Via; '' (the default) for no Via. */
  readonly via?: string;
  /** The zone of the proxy; '' is unknown. */
  readonly zone?: string;
  /** Several workers share the ports and standard output. */
  readonly reusePort: boolean;
  /** The number of workers of the proxy, which share its limits; 1 by default. */
  readonly workers?: number;
  /** Called before a port is bound; by default all ports may be bound. */
  readonly claimPort?: ClaimPort;
  /** The address of listeners without an address; all addresses by default. */
  readonly bindAddress?: string;
  /** The key for session tickets, 48 bytes; random by default. */
  readonly ticketKeys?: Buffer;
  /** The time for open connections of a closed port, milliseconds. */
  readonly drainTimeout: number;
  /** Maps the port of a listener to the port to bind; tests return 0 for a free port. */
  readonly bindPort?: (port: number) => number;
  /** The set of ports that cannot be bound has changed: see `bindingState`. */
  readonly bindingsChanged?: () => void;
  /** Takes a notice to the supervisor and the other workers; there are none by default. */
  readonly publish?: (notice: Notice) => void;
  /** Asks the supervisor for shares of limits; by default this worker is the only one. */
  readonly borrow?: (store: LendingStore, asks: readonly AskForShare[]) => void;
  /** Asks the supervisor about a signature that counts once; by default this worker is the only one. */
  readonly remember?: (question: ReplayQuestion) => void;
  /** Asks the supervisor, which has the topics of hubs; by default this worker is the only one. */
  readonly askTopics?: (ask: TopicAsk) => void;
  /** Asks the supervisor, which has the idempotency keys; by default this worker is the only one. */
  readonly askKeys?: (ask: KeyAsk) => void;
  /** Limits of the fleet, if this worker is the only one; without it they are those of this proxy. */
  readonly lease?: LimitStore;
  /** Null, the default: there is no Redis. */
  readonly redis?: RedisSettings | null;
  /** Addresses of services by URL that are permitted although they lead to the machine itself; none by default. */
  readonly allowedServices?: readonly AddressRange[];
  /** When documents of services are loaded; for tests. */
  readonly documentTimes?: DocumentTimes;
  /** The signs of overload; by default those that the limits turn on. */
  readonly overloadSignals?: readonly Signal[];
  /** The kinds of filters in their order; all by default. */
  readonly filterKinds?: readonly FilterKind[];
  /** Logs events besides requests; nothing is logged without it. */
  readonly log?: Log;
}

export class Worker {
  readonly #wheel: TimerWheel;
  /** The timers of states of backends and endpoints, which outlive exchanges and connections. */
  readonly #states = new TimerWheel((bug) => this.#bugs.met(bug, 'timer'));
  /** Metrics of this worker. */
  readonly registry = new Registry();
  readonly #telemetry: Telemetry;
  readonly #reports = this.#makeReports();
  readonly #listeners: ListenerSockets;
  readonly #builder: RuntimeBuilder;
  readonly #endpoints: EndpointRegistry;
  readonly #gathering: Gathering;
  readonly #shedding: Shedding;
  readonly #floods = new FloodCounts();
  readonly #challenges = new Challenges();
  readonly #data = new ObjectDataStore();
  readonly #consumers = new ConsumerIndex();
  readonly #passwords = new Passwords();
  readonly #failures: RefusedConnections<ConnectionFailure>;
  readonly #bugs: Bugs;
  readonly #log: Log | undefined;
  readonly #refusals = new RefusalCounts();
  readonly #processors = new ProcessorCounts();
  readonly #grpcMethods = new GrpcMethodCounts();
  readonly #hubs = new HubCounts();
  readonly #connections = new OpenConnections();
  readonly #path: IsolatedRequestPath;
  readonly #sessions = new OpenSessions(
    (session) => {
      this.#broadcast.publish('loggedOut', session, null);
      this.#redis.tellSession(session);
    },
    () => this.#redis.followSessions(this.#sessions),
  );
  readonly #topics: WorkerTopics;
  readonly #keys: WorkerKeys;
  #supervisedTopics: SupervisedTopics | null = null;
  readonly #broadcast: WorkerBroadcast;
  readonly #refused: OperatorBlocks;
  readonly #redis: WorkerRedis;
  readonly #malformed = new MalformedRequests();
  readonly #limits: WorkerLimits;
  readonly #replays: WorkerReplays;
  readonly #outside: WorkerOutside;
  readonly #ask: Ask;
  readonly #plugins: WorkerPlugins;
  readonly #cache: SharedCache;
  readonly #probes = new ProbeBook((check, wanted) => this.#broadcast.publish('probesWanted', check, wanted));
  #acceptFailures = 0;

  constructor(options: WorkerOptions) {
    const { limits } = options;
    [this.#log, this.#broadcast] = [options.log, new WorkerBroadcast(options.publish ?? (() => undefined))];
    const bugs = (this.#bugs = new Bugs((bug, place) => this.#log?.error({ err: bug, place }, 'a bug of the proxy ended what met it')));
    const wheel = (this.#wheel = new TimerWheel((bug) => bugs.met(bug, 'timer')));
    const dial = createDial(bugs);
    this.#gathering = new Gathering(limits);
    this.#failures = new RefusedConnections((failure) => options.log?.warn(failure, 'HTTP/2 connection ended for an error of its peer'));
    const shedder = (this.#shedding = new Shedding(options.overloadSignals ?? overloadSignals(limits), logOverload(options.log)));
    const telemetry = (this.#telemetry = new Telemetry(options));
    const surroundings = {
      runtime: () => this.#builder.current,
      ...{ wheel, limits, shedder, recorder: telemetry.exchanges, connections: this.#connections },
      ...{ workers: options.workers, challenges: this.#challenges, malformed: this.#malformed },
      refused: (this.#refused = new OperatorBlocks(this.#broadcast)),
    };
    const path = new IsolatedRequestPath({ ...surroundings, gathering: this.#gathering, hop: new Hop(options.via ?? '') }, bugs);
    this.#path = path;
    const settings = { ...surroundings, normaliseHost, normalisePath, dial, floods: this.#floods, failures: this.#failures };
    this.#endpoints = new EndpointRegistry(upstreamPools(path, settings), this.#states, this.#tells, options.zone);
    this.#listeners = new ListenerSockets({
      ...options,
      ...surroundings,
      acceptFailed: () => this.#acceptFailures++,
      ...logFailures(options.log),
      ...{ bugs, dial },
      connect: downstreamCodec(path, settings),
      findStream: (listeners, serverName) => this.#builder.findStream(listeners, serverName),
      streams: telemetry.sessions,
    });
    const mirror = this.#mirrorOn(path, limits);
    this.#redis = new WorkerRedis(options);
    this.#limits = new WorkerLimits({ ...options, redis: this.#redis.connection });
    [this.#topics, this.#keys] = [this.#makeTopics(options), new WorkerKeys(options.askKeys, this.#redis.connection)];
    [this.#outside, this.#replays] = [new WorkerOutside(options), new WorkerReplays(options.remember, this.#redis.entries)];
    this.#ask = this.#askOn(path);
    [this.#plugins, this.#cache] = [this.#makePlugins(options.log), this.#makeCache(limits)];
    this.#builder = this.#makeBuilder(options, mirror, path);
    this.#begin(mirror);
  }

  #begin(mirror: Mirror): void {
    this.#followNotices();
    this.#exposeMetrics(mirror);
  }

  #makePlugins(log: Log | undefined): WorkerPlugins {
    return new WorkerPlugins({ ask: this.#ask, broadcast: this.#broadcast, events: this.#telemetry.security, log });
  }

  #makeCache({ maxCacheBytes }: WorkerOptions['limits']): SharedCache {
    return new SharedCache({
      maxBytes: maxCacheBytes,
      tell: (url) => this.#broadcast.publish('invalidated', url, null),
      redis: this.#redis.connection,
      lacksRedis: () =>
        this.#log?.warn('a policy stores answers in Redis, and the proxy has no --redis-url: it stores them in memory only'),
    });
  }

  #makeTopics({ askTopics }: WorkerOptions): WorkerTopics {
    return new WorkerTopics({
      Memory: (listener) =>
        askTopics === undefined ? new MemoryStore(listener) : (this.#supervisedTopics = new SupervisedTopics(askTopics, listener)),
      Redis: (listener) => this.#redisTopics(listener),
    });
  }

  #redisTopics(listener: StoreListener): RedisStore | null {
    const { connection } = this.#redis;
    const subscriber = this.#redis.connect();
    return connection === null || subscriber === null ? null : new RedisStore(connection, subscriber, listener);
  }

  #makeBuilder({ limits, workers, filterKinds }: WorkerOptions, mirror: Mirror, path: IsolatedRequestPath): RuntimeBuilder {
    const [data, consumers, passwords] = [this.#data, this.#consumers, this.#passwords];
    const { security } = this.#telemetry;
    const end: FilterDependencies['end'] = (exchange, error) => path.withdrawn(exchange, error);
    const dependencies = {
      mirror,
      data,
      consumers,
      passwords,
      replays: this.#replays,
      outside: this.#outside,
      plugins: this.#plugins,
      end,
      ...{ refusals: this.#refusals, processors: this.#processors, grpcMethods: this.#grpcMethods },
      limits: this.#limits,
      shared: this.#redis.entries,
      sessions: this.#sessions,
      ...{ topics: this.#topics, hubs: this.#hubs, idempotency: this.#keys },
      cache: this.#cache,
      proceed: (copy: Exchange, behind: RequestFilter) => path.proceed(copy, behind),
      ask: this.#ask,
      call: this.#callsOn(path).open,
      ...bodiesOn(path),
      security,
      blocks: new BlockedSources(this.#broadcast),
      rules: new RulesInForce(),
      malformed: this.#malformed,
      refused: this.#refused,
    };
    const filters = new FilterPool(dependencies, filterKinds);
    const [endpoints, counts, listeners, challenges] = [this.#endpoints, this.#telemetry.upstreams, this.#listeners, this.#challenges];
    return new RuntimeBuilder({ limits, endpoints, counts, workers, filters, listeners, challenges, data, consumers });
  }

  readonly #tells: EndpointTells = {
    ejection: (key, notice) => this.#broadcast.publish('ejected', key, notice),
    tripped: (key, notice) => this.#broadcast.publish('tripped', key, notice),
  };

  #followNotices(): void {
    this.#broadcast.subscribe('proxies', (_, proxies) => (this.#limits.proxies = proxies ?? 1));
    this.#broadcast.subscribe('invalidated', (url) => this.#cache.forget(url));
    this.#broadcast.subscribe('loggedOut', (session) => this.#sessions.ended(session));
    this.#broadcast.subscribe('override', (key, override) => this.#endpoints.override(key, override));
    this.#broadcast.subscribe('health', (id, health) => this.#probes.take(id, health));
    this.#broadcast.subscribe('breaker', (key, forced) => this.#builder.forceBreaker(key, forced));
    this.#broadcast.subscribe('tripped', (key, notice) => this.#followBreaker(key, notice !== null));
    this.#broadcast.subscribe('security', (_, notice) => {
      if (notice !== null) this.#telemetry.security.emit(notice.name, null, notice.fields);
    });
    this.#broadcast.subscribe('ejected', (key, notice) => this.#endpoints.ejected(key, notice));
  }

  #followBreaker(key: string, opened: boolean): void {
    const [scope, owner, id] = splitTrippedKey(key);
    if (scope === 'Endpoint') this.#endpoints.tripped(owner, id, opened);
    else this.#builder.clusters.get(owner)?.breakers.follow(id, opened);
  }

  #mirrorOn(path: IsolatedRequestPath, limits: Limits): Mirror {
    const cluster = (key: string) => this.#builder.cluster(key).variant();
    return new Mirror(limits, cluster, (copy, body) => path.forwardCopy(copy, body));
  }

  #askOn(path: IsolatedRequestPath): Ask {
    const { ask } = new Subrequests({
      wheel: this.#wheel,
      cluster: (key) => this.#builder.cluster(key).variant(),
      plan: servicePlan,
      forward: (exchange, body) => path.forwardCopy(exchange, body),
      leave: (exchange, error) => path.downstreamFailed(exchange, error),
    });
    return ask;
  }

  #callsOn(path: IsolatedRequestPath): Calls {
    return new Calls({ cluster: (key) => this.#builder.cluster(key).variant(), plan: servicePlan, path });
  }

  #makeReports(): WorkerReports<Endpoint> {
    return new WorkerReports({
      backends: () => this.#telemetry.upstreams,
      breakerOf: (backend) => this.#builder.clusters.get(backend)?.breakerState ?? '',
      addresses: () => this.#endpoints.values(),
      reasonsOf,
      routes: () => this.#telemetry.routes(),
      connections: () => this.#listeners.counts.open,
      requests: () => this.#telemetry.requests,
    });
  }

  #exposeMetrics(mirror: Mirror): void {
    registerFamilies(this.registry, this.#telemetry.families());
    const sources = {
      unbound: () => this.#listeners.bindingState.unbound.length,
      downstream: () => this.#listeners.counts,
      blocked: () => this.#listeners.blocked,
      acceptFailures: () => this.#acceptFailures,
      floods: () => this.#floods.byReason,
      connectionFailures: () => this.#failures.failures,
      proxyHeaderFailures: () => this.#listeners.proxyHeaderFailures,
      ocsp: () => this.#listeners.ocsp,
      handshakes: () => this.#listeners.handshakes,
      shed: () => this.#shedding.counts,
      overload: () => this.#shedding.severities,
      gathered: () => this.#gathering.held,
      bugs: () => this.#bugs.byPlace,
      mirrorDrops: () => mirror.dropped,
      accessLogDrops: () => this.#telemetry.accessLog?.dropped ?? 0,
    };
    registerFamilies(this.registry, workerFamilies(sources));
    registerFamilies(this.registry, [...limitFamilies(this.#limits), ...this.#refusals.families(), ...this.#processors.families()]);
    registerFamilies(this.registry, [
      ...this.#plugins.families(),
      ...this.#hubs.families(),
      ...this.#cache.families(),
      ...this.#keys.families(),
    ]);
    registerFamilies(this.registry, this.#grpcMethods.families());
    const backends = () => this.#builder.clusters.values();
    registerFamilies(this.registry, upstreamFamilies({ counts: () => this.#telemetry.upstreams, backends }));
  }

  /**
   * Applies a batch of resources. Routes are live when this returns, listeners when it resolves. Resolves to the errors of refused
   * resources.
   */
  apply(changed: readonly ir.Resource[], removed: readonly ResourceName[]): Promise<readonly ResourceError[]> {
    const applied = this.#builder.apply(changed, removed);
    // Everything but new listeners is in use now.
    this.#probes.refresh(this.#builder.clusters.values());
    return applied;
  }

  /** Takes a notice of another worker or of the supervisor. */
  notice(notice: Notice): void {
    this.#broadcast.receive(notice);
  }

  /** Takes the answer of the supervisor about a signature. */
  remembered(id: number, verdict: ReplayVerdict): void {
    this.#replays.answered(id, verdict);
  }

  /** Takes a message of the supervisor about topics. */
  topicsTold(told: TopicTold): void {
    this.#supervisedTopics?.told(told);
  }

  /** Takes an answer of the supervisor about an idempotency key. */
  keysTold(told: KeyTold): void {
    this.#keys.told(told);
  }

  /** Takes shares of limits that the supervisor lends. */
  lend(store: LendingStore, lends: readonly Lend[]): void {
    this.#limits.lend(store, lends);
  }

  /** The listener ports that are bound, and those that are not with the reason. */
  get bindingState(): BindingState {
    return this.#listeners.bindingState;
  }

  /** The port bound for a listener's port, or null. */
  boundPort(port: number): number | null {
    return this.#listeners.boundPort(port);
  }

  /** The key for session tickets from now on, 48 bytes. */
  setTicketKeys(keys: Buffer): void {
    this.#listeners.rotateTicketKeys(keys);
  }

  /** Every connection ends with its next answer; new ones are still accepted. */
  drain(): void {
    this.#listeners.retire();
  }

  /** A tool may have renamed the file of a log: the next lines go to a new file with the old name. */
  reopenLog(): void {
    const problem = this.#telemetry.reopenLogs();
    if (problem !== null)
      this.#log?.error({ problem }, 'the access log or the security log could not be opened anew; the former file goes on');
  }

  /** What has changed since the last call, for reports to a controller. */
  report(): WorkerReport {
    return this.#reports.read();
  }

  /** Runs an inspection of this worker to its end. */
  inspect(inspection: Inspection, inspecting: Inspecting): Promise<Inspected> {
    switch (inspection.kind) {
      case 'tail':
        return this.#telemetry.tail(inspection, inspecting);
      case 'limits':
      case 'limitReset':
        return inspectLimits(inspection, inspecting, this.#limits, this.#telemetry.security);
      case 'cachePurge':
        return purgeCache(inspection, inspecting, this.#cache);
      case 'connections':
      case 'closeConnections':
        return inspectConnections(inspection, inspecting, {
          connections: this.#connections,
          security: this.#telemetry.security,
          end: (exchange, error) => this.#path.withdrawn(exchange, error),
        });
      case 'grpcMethods':
        return inspectMethods(inspection, inspecting, this.#methodSources());
      case 'chain':
        return inspectChain(inspection, inspecting, this.#builder);
      default:
        return inspectProcess(inspection, inspecting);
    }
  }

  #methodSources(): MethodSources {
    const hasBackend = (key: string): boolean => this.#builder.clusters.has(key);
    return { ask: this.#ask, outside: this.#outside, counts: this.#grpcMethods, hasBackend };
  }

  /** The routes and listeners in use, for dumps. */
  resources(): ReturnType<RuntimeBuilder['resources']> {
    return this.#builder.resources();
  }

  /** The number of armed timers: 0 once all exchanges and connections have ended. */
  get timers(): number {
    return this.#wheel.size;
  }

  /**
   * Lets connections finish for up to `grace` milliseconds, and releases everything. Resolves to false if a log could not be
   * written completely.
   */
  async stop(grace: number): Promise<boolean> {
    await this.#listeners.close(grace);
    for (const endpoint of this.#endpoints.values()) endpoint.close();
    this.#wheel.stop();
    this.#states.stop();
    this.#shedding.stop();
    this.#reports.stop();
    this.#consumers.close();
    void this.#passwords.close();
    this.#limits.stop();
    this.#topics.close();
    this.#cache.close();
    this.#keys.close();
    this.#redis.close();
    this.#outside.close();
    this.#plugins.close();
    return this.#telemetry.closeLogs(LOG_TIMEOUT_MS);
  }
}

/** The log messages about connections that fail before a request. */
function logFailures(log: Log | undefined): Required<Pick<ListenerSocketsOptions, 'ocspFailed' | 'handshakeFailed' | 'headerRefused'>> {
  return {
    ocspFailed: (failure) => void log?.warn(failure, 'no OCSP response for a certificate'),
    handshakeFailed: (failure) => void log?.warn(failure, 'TLS handshake failed'),
    headerRefused: (refused) => void log?.warn(refused, 'connection refused for its header of the PROXY protocol'),
  };
}

/** The log messages about episodes of overload. */
function logOverload(log: Log | undefined): OverloadListener {
  return (cause, severity) => {
    if (cause === null) log?.info('the overload is over: nothing was refused for 5 s');
    else log?.warn({ cause, severity }, 'the worker is overloaded and refuses requests by their priority');
  };
}

/** The bodies of requests and answers, for filters. */
function bodiesOn(
  path: IsolatedRequestPath,
): Pick<FilterDependencies, 'wholeBody' | 'bodyStart' | 'passThrough' | 'wholeAnswer' | 'answerStart'> {
  return {
    wholeBody: (exchange, maxBytes) => path.bodies.whole(exchange, maxBytes),
    bodyStart: (exchange, maxBytes) => path.bodies.gather(exchange, maxBytes),
    passThrough: (exchange, stage) => path.bodies.passThrough(exchange, stage),
    wholeAnswer: (exchange, maxBytes) => path.answers.wholeAnswer(exchange, maxBytes),
    answerStart: (exchange, maxBytes) => path.answers.answerStart(exchange, maxBytes),
  };
}
