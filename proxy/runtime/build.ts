// Builds the runtime from the IR: takes changed resources, rebuilds the affected parts and swaps the result. Clusters stay the same
// objects, with their connections and health; tables share all unchanged parts.
import * as ir from '#api/ir/ir.ts';
import type { ResourceError, ResourceName } from '#api/wire/encode.ts';
import { objectsAbout, PolicyIndex } from '#api/policy/layers.ts';
import { policyCors } from '#api/policy/cors.ts';
import { buildTable } from '#api/match/table.ts';
import type { RouteTable } from '#api/match/table.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { EndpointRegistry } from '../cluster/endpoint.ts';
import type { Limits } from '../exchange/limits.ts';
import { SessionKeys } from '../cluster/session/session-keys.ts';
import type { Notices } from '../exchange/notices.ts';
import type { UpstreamCounts } from '../exchange/upstream-counts.ts';
import type { ChainMeter } from '../filter/chain-meter.ts';
import type { FilterPool } from '../filter/filter-pool.ts';
import type { ListenerProblem } from '../listener/problem.ts';
import type { ListenerSettings, SettingsOf } from '../listener/settings.ts';
import { Challenges } from '../listener/challenges.ts';
import { agree } from '../listener/protocol.ts';
import type { PortProtocol } from '../listener/protocol.ts';
import { ConsumerIndex } from './consumer-index.ts';
import { listenerSettings, trustedProxies, withTlsSettings } from './client-traffic.ts';
import { ClusterMap } from './cluster-map.ts';
import { ObjectDataStore } from './object-data.ts';
import { lackIn, Pairs, withPairs } from './pairs.ts';
import type { PairChange } from './pairs.ts';
import { buildPlans } from './plan.ts';
import type { FindVariant, RoutePlans } from './plan.ts';
import { Runtime } from './runtime.ts';
import { StreamRoutes } from './stream-routes.ts';
import { clientIdentities, resolveTls } from './upstream-tls.ts';
import { RouteTelemetries } from './telemetry/route-telemetries.ts';
import { Unrouted } from './unrouted.ts';
import type { StreamFinder } from '../listener/port-context.ts';

/** Binds listeners; implemented by listener/. */
export interface ListenerSink {
  update(
    listeners: readonly ir.Listener[],
    secrets: ReadonlyMap<string, ir.Secret>,
    bundles: ReadonlyMap<string, ir.TrustBundle>,
    settingsOf: SettingsOf,
  ): Promise<readonly ListenerProblem[]>;
  /** The protocol in use on a port, or null. */
  spokenAt(port: number): PortProtocol | null;
}

/** The dependencies of a builder. */
export interface BuilderOptions {
  /** The limits without a policy. */
  readonly limits: Limits;
  readonly endpoints: EndpointRegistry;
  readonly counts: UpstreamCounts;
  /** The workers of the proxy, which share its limits; 1 by default. */
  readonly workers?: number | undefined;
  readonly filters: FilterPool;
  readonly listeners: ListenerSink;
  /** The entries of Secrets and ConfigMaps, and the consumers, which the builder fills; filters read them. */
  readonly data?: ObjectDataStore;
  readonly consumers?: ConsumerIndex;
  /** The answers to challenges, which the builder fills; the listeners and the request path read them. */
  readonly challenges?: Challenges;
  /** What policies say about telemetry. */
  readonly telemetries?: RouteTelemetries;
}

/** The parts that a batch of resources affects. */
interface Touched {
  readonly routes: ir.Route[];
  readonly removedRoutes: string[];
  readonly listeners: Set<string>;
  readonly clusters: Set<string>;
  /** Listeners whose client certificate for backends changed. */
  readonly certificates: Set<string>;
  /** Secrets and trust bundles. */
  material: boolean;
  challenges: boolean;
  /** The old and the new form of changed policies. */
  readonly policies: ir.Policy[];
  /** Errors of refused resources. */
  readonly errors: ResourceError[];
}

/** Stores the resources of one kind. */
interface Keeper<R extends ir.Resource> {
  set(resource: R, touched: Touched): void;
  remove(key: string, touched: Touched): void;
}

type Keepers = { readonly [K in ir.ResourceKind]: Keeper<Extract<ir.Resource, { readonly kind: K }>> };

export class RuntimeBuilder {
  /** The runtime for new exchanges. */
  current: Runtime;
  readonly #options: BuilderOptions;
  readonly #listeners = new Map<string, ir.Listener>();
  readonly #secrets = new Pairs();
  readonly #bundles = new Map<string, ir.TrustBundle>();
  readonly #sessionKeys = new SessionKeys();
  readonly #data: ObjectDataStore;
  readonly #consumers: ConsumerIndex;
  readonly #policies = new Map<string, ir.Policy>();
  #policyIndex = PolicyIndex.EMPTY;
  readonly #routes = new Map<string, ir.Route>();
  readonly #clusters: ClusterMap;
  readonly #clusterResources = new Map<string, ir.Cluster>();
  readonly #plans = new WeakMap<ir.Route, RoutePlans>();
  readonly #streams: StreamRoutes;
  readonly #challenges: Challenges;
  readonly #telemetries: RouteTelemetries;
  readonly #unrouted: Unrouted;
  readonly #keepers: Keepers = {
    Secret: {
      set: (secret, touched) => this.#touchSecret(secret.key, this.#secrets.take(secret), touched),
      remove: (key, touched) => this.#touchSecret(key, this.#secrets.remove(key), touched),
    },
    TrustBundle: {
      set: (bundle, touched) => {
        this.#bundles.set(bundle.key, bundle);
        touched.material = true;
      },
      remove: (key, touched) => {
        this.#bundles.delete(key);
        touched.material = true;
      },
    },
    SessionKeys: {
      set: ({ keys }) => this.#sessionKeys.set(keys),
      // A controller that cannot read the keys must not end the sessions.
      remove: () => undefined,
    },
    Consumer: { set: (consumer) => this.#consumers.set(consumer), remove: (key) => this.#consumers.remove(key) },
    ObjectData: { set: (resource) => this.#data.set(resource), remove: (key) => this.#data.remove(key) },
    Challenge: {
      set: (challenge, touched) => this.#takeChallenge(challenge, touched),
      remove: (key, touched) => {
        this.#challenges.remove(key);
        touched.challenges = true;
      },
    },
    Endpoints: {
      set: ({ key, endpoints }) => this.#clusters.get(key).update(endpoints),
      remove: (key) => this.#clusters.get(key).update([]),
    },
    Cluster: {
      set: (cluster, touched) => {
        this.#clusterResources.set(cluster.key, cluster);
        touched.clusters.add(cluster.key);
      },
      remove: (key) => void this.#clusterResources.delete(key),
    },
    Policy: {
      set: (policy, touched) => {
        touched.policies.push(policy, ...this.#policy(policy.key));
        this.#clusters.use(policy, this.#policies.get(policy.key));
        this.#policies.set(policy.key, policy);
      },
      remove: (key, touched) => {
        touched.policies.push(...this.#policy(key));
        this.#clusters.use(undefined, this.#policies.get(key));
        this.#policies.delete(key);
      },
    },
    Listener: {
      set: (listener, touched) => {
        if ((listener.clientCertificate ?? null) !== this.#certificateOf(listener.key)) touched.certificates.add(listener.key);
        this.#listeners.set(listener.key, listener);
        touched.listeners.add(listener.key);
      },
      remove: (key, touched) => {
        this.#listeners.delete(key);
        touched.listeners.add(key);
      },
    },
    Route: { set: (route, touched) => this.#takeRoute(route, touched), remove: (key, touched) => this.#removeRoute(key, touched) },
    StreamRoute: { set: (route) => this.#streams.set(route), remove: (key) => this.#streams.remove(key) },
  };

  constructor(options: BuilderOptions) {
    this.#options = options;
    this.#telemetries = options.telemetries ?? new RouteTelemetries();
    this.#unrouted = new Unrouted(options.filters, this.#telemetries);
    const { endpoints: registry, counts, workers } = options;
    this.#clusters = new ClusterMap({ registry, counts, workers, made: (cluster) => this.#configure(cluster) });
    this.#streams = new StreamRoutes(this.#clusters, this.#certificateOf);
    this.#challenges = options.challenges ?? new Challenges();
    this.#data = options.data ?? new ObjectDataStore();
    this.#consumers = options.consumers ?? new ConsumerIndex();
    this.current = new Runtime(0, {
      tables: new Map(),
      plans: this.#plans,
      identities: new Map(),
      trusted: new Map(),
      unrouted: new Map(),
      policyCors: () => '',
    });
  }

  /** Clusters by key, for metrics and dumps. */
  get clusters(): ReadonlyMap<string, Cluster> {
    return this.#clusters.all;
  }

  /** The resources that requests are matched with, for dumps and `weir explain`. */
  resources(): {
    readonly listeners: readonly ir.Listener[];
    readonly routes: readonly ir.Route[];
    readonly policies: readonly ir.Policy[];
  } {
    return { listeners: [...this.#listeners.values()], routes: [...this.#routes.values()], policies: [...this.#policies.values()] };
  }

  /** The plan of a connection that arrived at one of these listeners. Called once per connection. */
  readonly findStream: StreamFinder = (listeners, serverName) => {
    const found = this.#streams.find(listeners, serverName);
    return found === null ? null : { ...found, clientIdentity: this.current.identityOf(found.listener) };
  };

  /** As ClusterMap.force. */
  forceBreaker(key: string, forced: Notices['breaker'] | null): void {
    this.#clusters.force(key, forced);
  }

  /** The cluster of a key. */
  cluster(key: string): Cluster {
    return this.#clusters.get(key);
  }

  /**
   * Applies a batch in one swap. Everything but new listeners is live when this returns, listeners when it resolves. Resolves to the errors
   * of refused resources.
   */
  async apply(changed: readonly ir.Resource[], removed: readonly ResourceName[]): Promise<readonly ResourceError[]> {
    const touched: Touched = {
      routes: [],
      removedRoutes: [],
      listeners: new Set(),
      clusters: new Set(),
      certificates: new Set(),
      material: false,
      challenges: false,
      policies: [],
      errors: [],
    };
    for (const resource of changed) (this.#keepers[resource.kind] as Keeper<ir.Resource>).set(resource, touched);
    for (const { kind, key } of removed) this.#keepers[kind].remove(key, touched);
    this.#settle(touched);
    const { errors } = touched;
    this.#swap(touched, errors);
    this.#clusters.sweep();
    this.#options.filters.sweep();
    const rebinds = touched.listeners.size > 0 || touched.material || touched.challenges || touched.policies.length > 0;
    if (rebinds) errors.push(...(await this.#bind()));
    return errors;
  }

  /** The consequences of several resources together. */
  #settle(touched: Touched): void {
    for (const [key, { tls }] of this.#clusterResources) {
      if (touched.clusters.has(key) || (touched.material && tls !== undefined)) this.#configure(this.#clusters.get(key));
    }
    if (touched.certificates.size > 0) this.#certificatesChanged(touched.certificates);
    if (touched.policies.length === 0) return;
    this.#policyIndex = new PolicyIndex(this.#policies.values());
    const changed = new Set(touched.policies.flatMap(({ targets }) => targets.map(ir.objectName)));
    this.#streams.setPolicies(this.#policyIndex, changed);
    for (const route of this.#routes.values()) {
      if (objectsAbout(route, this.#clustersOf(route)).some((object) => changed.has(object))) this.#plan(route);
    }
  }

  /** The keys of the clusters that the plans of a route refer to. */
  #clustersOf(route: ir.Route): readonly string[] {
    return Array.from(this.#plans.get(route)?.variants ?? [], ({ key }) => key);
  }

  readonly #certificateOf = (listener: string): string | null => this.#listeners.get(listener)?.clientCertificate ?? null;

  /** Probes present the client certificate of the Gateway. */
  #certificatesChanged(listeners: ReadonlySet<string>): void {
    this.#streams.certificatesChanged(listeners);
    for (const route of this.#routes.values()) if (route.attachments.some(({ listener }) => listeners.has(listener))) this.#plan(route);
  }

  #takeChallenge(challenge: ir.Challenge, touched: Touched): void {
    try {
      this.#challenges.set(challenge);
      touched.challenges = true;
    } catch {
      const reason = 'OpenSSL refuses the certificate or its key';
      touched.errors.push({ kind: 'Challenge', key: challenge.key, field: 'answer.certificate', reason });
    }
  }

  /** A changed pair may decide whether a listener can be served. */
  #touchSecret(secret: string, change: PairChange, touched: Touched): void {
    if (change.type === 'refused') touched.errors.push({ kind: 'Secret', key: secret, field: '', reason: change.reason });
    if (change.type !== 'changed') return;
    touched.material = true;
    if (!change.decides) return;
    for (const { key, tls } of this.#listeners.values()) if (tls?.certificates.includes(secret) === true) touched.listeners.add(key);
  }

  /** Runs after all resources of the batch are stored, because it refers to trust bundles. */
  #configure(cluster: Cluster): void {
    const resource = this.#clusterResources.get(cluster.key);
    if (resource !== undefined) cluster.configure(resource, resolveTls(resource.tls, this.#bundles));
  }

  #policy(key: string): readonly ir.Policy[] {
    const policy = this.#policies.get(key);
    return policy === undefined ? [] : [policy];
  }

  /** The plans of a rule (key) have timed parts until the meter is null, or until something changes them. False: there is no such rule. */
  measure(key: string, meter: ChainMeter | null): boolean {
    const route = this.#routes.get(key);
    if (route === undefined) return false;
    this.#options.filters.metered(meter, () => this.#plan(route));
    return true;
  }

  #plan(route: ir.Route): void {
    const cluster: FindVariant = (key, settings) => this.#clusters.get(key).variant(settings);
    const plans = buildPlans(route, this.#policyIndex, {
      cluster,
      filters: this.#options.filters,
      sessionKeys: this.#sessionKeys,
      certificateOf: this.#certificateOf,
      telemetries: this.#telemetries,
    });
    const previous = this.#plans.get(route);
    this.#clusters.plan(plans.variants, previous?.variants);
    this.#options.filters.use(plans.filters, previous?.filters);
    this.#plans.set(route, plans);
  }

  #takeRoute(route: ir.Route, touched: Touched): void {
    const previous = this.#routes.get(route.key);
    this.#plan(route);
    this.#clusters.use(route, previous);
    if (previous !== route) this.#forgetPlans(previous);
    this.#routes.set(route.key, route);
    touched.routes.push(route);
  }

  #removeRoute(key: string, touched: Touched): void {
    const previous = this.#routes.get(key);
    this.#clusters.use(undefined, previous);
    this.#forgetPlans(previous);
    this.#routes.delete(key);
    touched.removedRoutes.push(key);
  }

  /** Tables of exchanges under way may still have the plans of a replaced route. */
  #forgetPlans(route: ir.Route | undefined): void {
    const plans = route === undefined ? undefined : this.#plans.get(route);
    this.#clusters.plan([], plans?.variants);
    this.#options.filters.use([], plans?.filters);
  }

  /** Changed routes update tables in part; listeners are few and change rarely, so a changed listener rebuilds the tables. */
  #swap(touched: Touched, errors: ResourceError[]): void {
    const routesChanged = touched.routes.length > 0 || touched.removedRoutes.length > 0;
    if (!routesChanged && touched.listeners.size === 0 && !touched.material && touched.policies.length === 0) return;
    const tables = touched.listeners.size > 0 ? this.#buildTables() : this.#updateTables(touched);
    const policies = this.#policyIndex;
    if (touched.listeners.size > 0 || touched.policies.length > 0) this.#unrouted.update(policies, this.#listeners.values());
    this.current = new Runtime(this.current.version + 1, {
      tables,
      plans: this.#plans,
      identities: clientIdentities(this.#listeners.values(), this.#secrets.all),
      trusted: trustedProxies(policies, this.#listeners.values()),
      unrouted: this.#unrouted.byListener,
      policyCors: (route, listener) => policyCors(policies, route, listener),
    });
    errors.push(...problemsOf(tables, touched.routes));
  }

  #effectiveListeners(): readonly ir.Listener[] {
    const lacks = lackIn(this.#secrets.all);
    return Array.from(this.#listeners.values(), (listener) => withPairs(withTlsSettings(this.#policyIndex, listener), lacks));
  }

  #buildTables(): Map<number, RouteTable> {
    const listeners = this.#effectiveListeners().filter(({ protocol }) => protocol !== 'UDP');
    const byPort = Map.groupBy(listeners, (listener) => listener.port);
    const routes = [...this.#routes.values()];
    return new Map([...byPort].map(([port, own]) => [port, this.#buildTable(port, own, routes)]));
  }

  /** A listener that conflicts with another on its port gets neither requests for the other's protocol nor the hosts of others. */
  #buildTable(port: number, listeners: readonly ir.Listener[], routes: readonly ir.Route[]): RouteTable {
    const { served, unserved } = agree(listeners, this.#options.listeners.spokenAt(port));
    return buildTable([...served, ...unserved], routes);
  }

  #updateTables(touched: Touched): Map<number, RouteTable> {
    const tables = new Map<number, RouteTable>();
    for (const [port, table] of this.current.tables)
      tables.set(port, table.with({ routes: touched.routes, removedRoutes: touched.removedRoutes }));
    return tables;
  }

  async #bind(): Promise<readonly ResourceError[]> {
    const base: ListenerSettings = { limits: this.#options.limits, proxyProtocol: null };
    const settings = new Map([...this.#listeners.keys()].map((key) => [key, listenerSettings(this.#policyIndex, key, base)]));
    const listeners = this.#effectiveListeners();
    const settingsOf: SettingsOf = (key) => settings.get(key) ?? base;
    const problems = await this.#options.listeners.update(listeners, this.#secrets.all, this.#bundles, settingsOf);
    return problems.map(({ listener, reason, message, waits }) => ({
      kind: 'Listener',
      key: listener,
      field: '',
      reason: `${reason}: ${message}`,
      ...(waits === undefined ? {} : { waits }),
    }));
  }
}

/** The errors of the given routes in the tables. */
function problemsOf(tables: ReadonlyMap<number, RouteTable>, routes: readonly ir.Route[]): ResourceError[] {
  const keys = new Set(routes.map((route) => route.key));
  const problems = [...tables.values()].flatMap((table) => table.problems).filter((problem) => keys.has(problem.routeKey));
  const unique = new Map(problems.map((problem) => [`${problem.routeKey} ${problem.field}`, problem]));
  return [...unique.values()].map(({ routeKey, field, reason }) => ({ kind: 'Route', key: routeKey, field, reason }));
}
