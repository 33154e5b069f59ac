// One worker: everything that serves requests on one event loop. It gets resources and does not know their source.
import { Registry } from 'prom-client';
import type * as ir from '#api/ir/ir.ts';
import { normaliseHost, normalisePath } from '#api/match/normalise.ts';
import { occupying } from '#lib/event-loop/occupation.ts';
import type { Log } from '#lib/log.ts';
import { TimerWheel } from '#lib/timer-wheel.ts';
import { SharedCache } from './cache/shared-cache.ts';
import { EndpointRegistry } from './cluster/endpoint.ts';
import type { Endpoint, EndpointTells } from './cluster/endpoint.ts';
import { downstreamCodec, upstreamPools } from './codecs.ts';
import { ProbeBook } from './cluster/health/probe-book.ts';
import { reasonsOf } from './cluster/variant.ts';
import type { ClusterVariant } from './cluster/variant.ts';
import type { ConnectionFailure } from './codec/h2/connection-failures.ts';
import { FloodCounts } from './codec/h2/floods.ts';
import type { BindingState } from './exchange/binding-state.ts';
import { Bugs } from './exchange/bugs.ts';
import { GrpcMethodCounts } from './exchange/grpc-method-counts.ts';
import { Hop } from './exchange/hop.ts';
import { HubCounts } from './exchange/hub-counts.ts';
import { RefusedConnections } from './exchange/refused-connections.ts';
import type { Ask } from './exchange/subrequest.ts';
import type { Notice } from './exchange/notices.ts';
import { WorkerLimits } from './limit/worker-limits.ts';
import type { LendingStore } from '#lib/limit/store.ts';
import type { Lend } from '#lib/limit/share.ts';
import { WorkerRedis } from './redis/worker-redis.ts';
import { ProcessorCounts } from './exchange/processor-counts.ts';
import { RefusalCounts } from './exchange/refusal-counts.ts';
import { OpenConnections } from './exchange/open-connections.ts';
import { OpenSessions } from './exchange/open-sessions.ts';
import { OperatorBlocks } from './exchange/operator-blocks.ts';
import { WorkerBroadcast } from './exchange/worker-broadcast.ts';
import { WorkerReplays } from './exchange/worker-replays.ts';
import type { ReplayVerdict } from '#lib/replays.ts';
import { BlockedSources } from './filter/threats/blocked-sources.ts';
import { RulesInForce } from './filter/rules-in-force.ts';
import { MalformedRequests } from './filter/threats/malformed-requests.ts';
import { FilterPool } from './filter/filter-pool.ts';
import type { TopicTold } from './hub/supervised-topics.ts';
import type { KeyTold } from './idempotency/memory-store.ts';
import { WorkerKeys } from './idempotency/worker-keys.ts';
import { askOn, servicesOf } from './filter-services.ts';
import { HubStores } from './hub-stores.ts';
import { familiesOf } from './worker-families.ts';
import { inspectWorker } from './worker-inspections.ts';
import { logFailures, logOverload } from './worker-messages.ts';
import { followNotices } from './worker-notices.ts';
import type { WorkerOptions } from './worker-options.ts';
import { IsolatedRequestPath } from './isolated-request-path.ts';
import { OwnRequests } from './own-requests.ts';
import type { Inspected, Inspecting, Inspection } from './inspection/inspection.ts';
import { Challenges } from './listener/challenges.ts';
import { ListenerSockets } from './listener/listener-sockets.ts';
import { Shedding } from './overload/shedding.ts';
import { overloadSignals } from './overload/signals.ts';
import { WorkerOutside } from './outside/worker-outside.ts';
import { Passwords } from './filter/authentication/passwords.ts';
import { DocumentCompiler } from './filter/openapi/document-compiler.ts';
import { ConsumerIndex } from './runtime/consumer-index.ts';
import { WorkerPlugins } from './plugin/worker-plugins.ts';
import { ObjectDataStore } from './runtime/object-data.ts';
import { RuntimeBuilder } from './runtime/build.ts';
import type { ResourceError, ResourceName } from '#api/wire/encode.ts';
import { registerFamilies } from '#lib/metric.ts';
import { RouteTelemetries } from './runtime/telemetry/route-telemetries.ts';
import { Telemetry } from './telemetry/telemetry.ts';
import { WorkerReports } from './telemetry/worker-report.ts';
import type { WorkerReport } from './telemetry/worker-report.ts';
import { Gathering } from './upstream/gathering.ts';
import { Mirror } from './upstream/mirror.ts';
import { createDial } from './upstream/dial.ts';

/** The maximum time to write the last lines of the logs. */
const LOG_TIMEOUT_MS = 2_000;

export type { WorkerOptions };

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
  readonly #documents = new DocumentCompiler();
  readonly #failures: RefusedConnections<ConnectionFailure>;
  readonly #bugs: Bugs;
  readonly #log: Log | undefined;
  readonly #refusals = new RefusalCounts();
  readonly #processors = new ProcessorCounts();
  readonly #grpcMethods = new GrpcMethodCounts();
  readonly #hubs = new HubCounts();
  readonly #connections = new OpenConnections();
  readonly #path: IsolatedRequestPath;
  readonly #requests = new OwnRequests({
    begin: (exchange) => {
      this.#path.requestHead(exchange);
      this.#path.requestEnd(exchange, null);
    },
    leave: (exchange, error) => this.#path.downstreamFailed(exchange, error),
  });
  readonly #sessions = new OpenSessions(
    (session) => {
      this.#broadcast.publish('loggedOut', session, null);
      this.#redis.tellSession(session);
    },
    () => this.#redis.followSessions(this.#sessions),
  );
  readonly #hubStores: HubStores;
  readonly #keys: WorkerKeys;
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
    const telemetry = (this.#telemetry = new Telemetry(options, (families) => registerFamilies(this.registry, families)));
    const surroundings = {
      runtime: () => this.#builder.current,
      ...{ wheel, limits, shedder, events: telemetry.exchanges, connections: this.#connections },
      ...{ workers: options.workers, challenges: this.#challenges, malformed: this.#malformed },
      refused: (this.#refused = new OperatorBlocks(this.#broadcast)),
    };
    const served = { ...surroundings, gathering: this.#gathering, hop: new Hop(options.via ?? '') };
    const path = (this.#path = new IsolatedRequestPath(served, bugs));
    const settings = { ...surroundings, normaliseHost, normalisePath, dial, floods: this.#floods, failures: this.#failures };
    this.#endpoints = new EndpointRegistry(upstreamPools(path, settings), this.#states, this.#tells, options.zone);
    this.#listeners = new ListenerSockets({
      ...options,
      ...surroundings,
      acceptFailed: () => this.#acceptFailures++,
      ...{ ...logFailures(options.log), bugs, dial },
      connect: downstreamCodec(path, settings),
      findStream: (listeners, serverName) => this.#builder.findStream(listeners, serverName),
      streams: telemetry.sessions,
    });
    const mirror = new Mirror(limits, this.#clusterFor, (copy, body) => path.forwardCopy(copy, body));
    this.#redis = new WorkerRedis(options);
    this.#limits = new WorkerLimits({ ...options, redis: this.#redis.connection });
    [this.#outside, this.#keys] = [new WorkerOutside(options), new WorkerKeys(options.askKeys, this.#redis.connection)];
    this.#hubStores = new HubStores(this.#redis, options.askTopics);
    this.#replays = new WorkerReplays(options.remember, this.#redis.entries);
    this.#ask = askOn(path, wheel, this.#clusterFor);
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

  #makeBuilder({ limits, workers, filterKinds }: WorkerOptions, mirror: Mirror, path: IsolatedRequestPath): RuntimeBuilder {
    const [data, consumers, passwords] = [this.#data, this.#consumers, this.#passwords];
    const { security } = this.#telemetry;
    const dependencies = {
      mirror,
      data,
      consumers,
      ...{ passwords, documents: this.#documents },
      replays: this.#replays,
      outside: this.#outside,
      plugins: this.#plugins,
      ...{ refusals: this.#refusals, processors: this.#processors, grpcMethods: this.#grpcMethods },
      limits: this.#limits,
      shared: this.#redis.entries,
      sessions: this.#sessions,
      ...{ topics: this.#hubStores.topics, hubs: this.#hubs, idempotency: this.#keys },
      cache: this.#cache,
      ask: this.#ask,
      ...servicesOf(path, this.#clusterFor),
      security,
      blocks: new BlockedSources(this.#broadcast),
      rules: new RulesInForce(),
      malformed: this.#malformed,
      refused: this.#refused,
    };
    const filters = new FilterPool(dependencies, filterKinds);
    const [endpoints, counts, listeners, challenges] = [this.#endpoints, this.#telemetry.upstreams, this.#listeners, this.#challenges];
    const telemetries = new RouteTelemetries((made) => this.#telemetry.follow(made));
    return new RuntimeBuilder({ limits, endpoints, counts, workers, filters, listeners, challenges, data, consumers, telemetries });
  }

  readonly #tells: EndpointTells = {
    ejection: (key, notice) => this.#broadcast.publish('ejected', key, notice),
    tripped: (key, notice) => this.#broadcast.publish('tripped', key, notice),
  };

  #followNotices(): void {
    followNotices(this.#broadcast, {
      ...{ limits: this.#limits, cache: this.#cache, sessions: this.#sessions, endpoints: this.#endpoints },
      ...{ probes: this.#probes, builder: this.#builder, telemetry: this.#telemetry },
    });
  }

  readonly #clusterFor = (key: string): ClusterVariant => this.#builder.cluster(key).variant();

  #makeReports(): WorkerReports<Endpoint> {
    return new WorkerReports({
      backends: () => this.#telemetry.upstreams,
      breakerOf: (backend) => this.#builder.clusters.get(backend)?.breakerState ?? '',
      addresses: () => this.#endpoints.values(),
      reasonsOf,
      routes: () => this.#telemetry.routes(),
      errors: () => this.#telemetry.errors.take(),
      connections: () => this.#listeners.counts.open,
      requests: () => this.#telemetry.requests,
    });
  }

  #exposeMetrics(mirror: Mirror): void {
    const families = familiesOf({
      ...{ mirror, telemetry: this.#telemetry, listeners: this.#listeners, floods: this.#floods, failures: this.#failures },
      ...{ shedding: this.#shedding, gathering: this.#gathering, bugs: this.#bugs, limits: this.#limits, builder: this.#builder },
      acceptFailures: () => this.#acceptFailures,
      others: [this.#refusals, this.#processors, this.#plugins, this.#hubs, this.#cache, this.#keys, this.#grpcMethods],
    });
    registerFamilies(this.registry, families);
  }

  /**
   * Applies a batch of resources. Routes are live when this returns, listeners when it resolves. Resolves to the errors of refused
   * resources.
   */
  apply(changed: readonly ir.Resource[], removed: readonly ResourceName[]): Promise<readonly ResourceError[]> {
    const applied = occupying('configuration', () => this.#builder.apply(changed, removed));
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
    this.#hubStores.told(told);
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
    return occupying('report', () => this.#reports.read());
  }

  /** Runs an inspection of this worker to its end. */
  inspect(inspection: Inspection, inspecting: Inspecting): Promise<Inspected> {
    return inspectWorker(inspection, inspecting, {
      ...{ telemetry: this.#telemetry, limits: this.#limits, cache: this.#cache, connections: this.#connections },
      ...{ builder: this.#builder, ask: this.#ask, outside: this.#outside, grpcMethods: this.#grpcMethods },
      ...{ topics: this.#hubStores.topics, plugins: this.#plugins },
      ...{ requests: this.#requests, spokenAt: (port: number) => this.#listeners.spokenAt(port) },
      end: (exchange, error) => this.#path.withdrawn(exchange, error),
    });
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
    void this.#documents.close();
    this.#limits.stop();
    this.#hubStores.topics.close();
    this.#cache.close();
    this.#keys.close();
    this.#redis.close();
    this.#outside.close();
    this.#plugins.close();
    return this.#telemetry.close(LOG_TIMEOUT_MS);
  }
}
