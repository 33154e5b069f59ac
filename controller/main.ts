// `weir controller` as a list of its parts, in the order in which data flows: objects of a cluster > pipeline > proxies > their acks >
// statuses, Events and fleets. Only the leader writes the last three.
import { setImmediate } from 'node:timers/promises';
import { KINDS } from '#api/k8s/kinds.ts';
import type { KindName } from '#api/k8s/kinds.ts';
import type { Resource } from '#api/ir/ir.ts';
import { objectId } from '#api/k8s/object.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import { prepareValidation } from '#api/k8s/validate.ts';
import { StallWatch } from '#lib/event-loop/stall-watch.ts';
import { Faults } from '#lib/faults.ts';
import { joinAddress } from '#lib/host-port.ts';
import { ownAddresses } from '#lib/own-addresses.ts';
import { Lifecycle } from '#lib/lifecycle.ts';
import { registerFamilies } from '#lib/metric.ts';
import type { Log } from '#lib/log.ts';
import { WEIR_VERSION } from '#lib/version.ts';
import { ClusterStore } from './acme/cluster-store.ts';
import { Issuer } from './acme/issuer.ts';
import { acmeFamilies, AcmeCounts } from './admin/acme-metrics.ts';
import { ControllerMetrics } from './admin/metrics.ts';
import { ManagedSecret } from './authority/managed-secret.ts';
import { AbsentSessionKeys } from './authority/absent-session-keys.ts';
import { SessionKeySource } from './authority/session-key-source.ts';
import { Alerting } from './alert/alerting.ts';
import { PrometheusRuleWriter } from './alert/prometheus-rule-writer.ts';
import { adminServer, probeServer } from './admin/servers.ts';
import { serverGuard, type AddressRules } from './compile/addresses.ts';
import type { CompilerOptions } from './compile/compile.ts';
import type { ControllerConfig } from './config.ts';
import { Discovery } from './discovery/discovery.ts';
import { endpointSources } from './discovery/index.ts';
import { FleetPlane } from './fleet-plane.ts';
import { LeaseElection } from './leader/lease.ts';
import { operationsOf } from './operations/index.ts';
import type { Operation } from './operations/operation.ts';
import { operatorService } from './operations/operator-service.ts';
import { Pipeline } from './pipeline.ts';
import type { MakePushPlane, PushPlane } from './push-plane.ts';
import { PeerLinks } from './relay/peer-links.ts';
import { troubleEvent } from './status/trouble-event.ts';
import { acmeEvent } from './status/acme-event.ts';
import { StatusPlane } from './status-plane.ts';
import { Registry } from './store/registry.ts';
import { Fleet } from './telemetry/fleet.ts';
import { TelemetryHub } from './telemetry/hub.ts';
import { LimitBook } from './telemetry/limit-book.ts';
import { LimitDesk } from './telemetry/limit-desk.ts';
import { telemetryService } from './telemetry/service.ts';
import { logNews } from './telemetry/trouble-news.ts';
import { TroubleWatch } from './telemetry/trouble-watch.ts';
import { fleetWindow } from './telemetry/window/fleet-window.ts';
import { LongRangeReader } from './telemetry/window/long-range.ts';
import type { WindowReader } from './telemetry/window/reader.ts';
import { ApiClient, loadKubeConfig, namespaceOf } from './watch/api-client.ts';
import type { Source } from './watch/event.ts';
import type { SourceTrouble } from './watch/found.ts';
import { KubernetesSource } from './watch/kubernetes.ts';

/** How long changes gather, milliseconds. An API server sends objects that were applied together within a few milliseconds. */
const BATCH = { quiet: 5, maximum: 25 };

/** The ports a controller listens on. */
export interface ControllerPorts {
  readonly push: number;
  readonly probes: number;
  readonly admin: number;
}

export class Controller {
  readonly #config: ControllerConfig;
  /** The namespace of this controller. */
  readonly #namespace: string;
  readonly #log: Log;
  readonly #client: ApiClient;
  readonly #metrics: ControllerMetrics;
  readonly #stalls: StallWatch;
  readonly #faults: Faults;
  readonly #source: KubernetesSource;
  readonly #registry: Registry;
  readonly #discovery: Discovery;
  readonly #sessionKeys: Source;
  readonly #issuer: Issuer;
  readonly #acmeCounts = new AcmeCounts();
  readonly #statuses: StatusPlane;
  readonly #fleets: FleetPlane;
  readonly #telemetry: TelemetryHub;
  readonly #peers: PeerLinks;
  readonly #limits: LimitDesk;
  readonly #fleet: Fleet;
  readonly #limitBook: LimitBook;
  readonly #window: WindowReader;
  readonly #alerting: Alerting;
  /** Null if alert rules have no PrometheusRules. */
  readonly #prometheusRules: PrometheusRuleWriter | null;
  readonly #troubles: TroubleWatch;
  readonly #operations: readonly Operation[];
  readonly #push: PushPlane;
  readonly #pipeline: Pipeline;
  readonly #election: LeaseElection;
  readonly #components: Lifecycle;
  readonly #servers: Readonly<Record<'probes' | 'admin', ReturnType<typeof probeServer>>>;
  /** The current compiled state, for readers that need all of it. */
  readonly #compiled = {
    resources: () => this.#pipeline.resources(),
    statuses: () => this.#pipeline.statuses(),
    faulty: () => this.#pipeline.faulty(),
    uidOf: (ref: ObjectRef) => this.#pipeline.uidOf(ref),
  };
  /** Null before the push server is bound. */
  #pushPort: number | null = null;

  /** Throws if the kubeconfig is not usable. */
  constructor(config: ControllerConfig, makePush: MakePushPlane, log: Log) {
    const kubeConfig = loadKubeConfig(config.kubeconfig);
    const namespace = config.namespace || namespaceOf(kubeConfig);
    this.#config = config;
    this.#namespace = namespace;
    this.#log = log;
    this.#client = new ApiClient(kubeConfig);
    this.#metrics = this.#makeMetrics();
    this.#stalls = new StallWatch({ log, stallMs: config.stallDelay });
    registerFamilies(this.#metrics.registry, this.#stalls.families());
    this.#faults = new Faults(log, (part) => this.#metrics.faulted(part));
    const { watchNamespaces } = config;
    const namespaces = watchNamespaces.length === 0 ? [] : [...new Set([...watchNamespaces, namespace])];
    this.#source = this.#makeSource(namespaces);
    this.#registry = new Registry({ ...config, log, failed: (error) => this.#faults.report('store', error) });
    registerFamilies(this.#metrics.registry, this.#registry.families());
    this.#discovery = this.#makeDiscovery();
    this.#sessionKeys = this.#makeSessionKeys(namespace);
    this.#statuses = this.#makeStatuses();
    this.#issuer = this.#makeIssuer();
    this.#fleets = this.#makeFleets(namespace, namespaces);
    this.#telemetry = this.#makeTelemetry();
    this.#peers = new PeerLinks(this.#telemetry, log);
    this.#limits = new LimitDesk({ hub: this.#telemetry, peers: this.#peers });
    this.#peers.lendBy(this.#limits);
    this.#fleet = new Fleet({ hub: this.#telemetry, peers: this.#peers, resources: () => this.#resources(), version: WEIR_VERSION });
    this.#limitBook = new LimitBook({ fleet: this.#fleet, desk: this.#limits, resources: () => this.#resources() });
    this.#window = this.#makeWindow();
    this.#alerting = this.#makeAlerting(namespace);
    this.#prometheusRules = this.#makePrometheusRules(namespaces);
    this.#troubles = this.#makeTroubles();
    this.#operations = this.#makeOperations();
    this.#push = this.#makePush(makePush);
    this.#pipeline = this.#makePipeline();
    this.#election = this.#makeElection(namespace);
    this.#components = this.#list();
    this.#servers = this.#makeServers();
  }

  /** All parts, in the order of their start. */
  #list(): Lifecycle {
    const { programmed, readability, writer, events, missedEvents } = this.#statuses;
    const { authority, live, fleets, pool, ports } = this.#fleets;
    const rows = [
      { pipeline: this.#pipeline, registry: this.#registry, authority, validation: { start: prepareKinds } },
      { overrides: { start: () => this.#registry.overrides.load((all) => this.#telemetry.learnAll(all)) } },
      { push: { start: () => this.#serve(), stop: () => this.#stopServing() } },
      { programmed, readability },
      // Not before the first compile: a leader deletes objects that no compiled Gateway needs.
      { writer, events, missedEvents, live, fleets, pool, ports },
      { election: this.#election, troubles: this.#troubles, limits: this.#limits, alerting: this.#alerting },
    ];
    return new Lifecycle(rows, this.#log);
  }

  /**
   * Resolves once everything in the cluster is compiled and proxies are served; null if `stop` was called before that. Waits as long as
   * the API server is unreachable; probes and metrics are served from the beginning. Rejects if an address cannot be bound.
   */
  async start(): Promise<ControllerPorts | null> {
    const [probes, admin] = await Promise.all([this.#servers.probes.start(), this.#servers.admin.start()]);
    this.#log.info({ probes, admin }, 'probes and metrics are served');
    if (!(await this.#components.start()) || this.#pushPort === null) return null;
    this.#log.info({ push: this.#pushPort, objects: Object.fromEntries(this.#source.objectCounts()) }, 'proxies are served');
    return { push: this.#pushPort, probes, admin };
  }

  /** Ends the streams of proxies, finishes running writes, and releases the Lease. */
  async stop(): Promise<void> {
    this.#stalls.stop();
    await this.#components.stop();
    await Promise.all([this.#servers.probes.stop(), this.#servers.admin.stop(), this.#client.close()]);
  }

  #makeSource(namespaces: readonly string[]): KubernetesSource {
    return new KubernetesSource(this.#client, {
      namespaces,
      began: (kind, what) => this.#metrics.watchBegan(kind, what),
      guard: this.#faults,
      troubled: (kind, trouble) => this.#statuses.readability.troubled(kind, trouble),
    });
  }

  #makeDiscovery(): Discovery {
    const troubled = (owner: string, trouble: SourceTrouble | null) => this.#statuses.sourceTroubled(owner, trouble);
    return new Discovery({
      sources: endpointSources({ guard: serverGuard(compilerOptions(this.#config)), registrations: this.#registry.registrations }),
      log: this.#log,
      faults: this.#faults,
      troubled,
    });
  }

  #makeSessionKeys(namespace: string): Source {
    const { sessionSecret } = this.#config;
    if (sessionSecret === '') return new AbsentSessionKeys(this.#log);
    return new SessionKeySource({ kept: new ManagedSecret(this.#client, namespace, sessionSecret), mayForget: false, log: this.#log });
  }

  #makeIssuer(): Issuer {
    return new Issuer({
      store: new ClusterStore(this.#client),
      leads: () => this.#election.leads(),
      delivery: (gateway, challenge) => this.#statuses.reports.deliveryOf(gateway, challenge),
      guard: serverGuard(compilerOptions(this.#config)),
      reported: (report) => {
        this.#acmeCounts.report(report);
        this.#statuses.events.report(acmeEvent(report));
      },
      log: this.#log,
      faults: this.#faults,
    });
  }

  #makePipeline(): Pipeline {
    const exports = this.#prometheusRules === null ? [] : [this.#prometheusRules];
    return new Pipeline({
      sources: [this.#source, this.#discovery, this.#issuer, this.#sessionKeys, this.#alerting.evaluator, ...exports],
      compiler: { ...compilerOptions(this.#config), operatorNamespace: this.#namespace },
      batch: BATCH,
      sinks: {
        ...(this.#fleets.fleets === null ? {} : { fleets: this.#fleets.fleets }),
        ...(this.#fleets.ports === null ? {} : { ports: this.#fleets.ports }),
        // The versions to be served must be known before a proxy can ack them.
        statuses: this.#statuses,
        push: this.#push,
      },
      log: this.#log,
      faults: this.#faults,
      compiled: (delta, ms) => {
        this.#metrics.compile.compiled(delta, ms);
        this.#statuses.faulted(delta.faults);
      },
    });
  }

  #makePush(make: MakePushPlane): PushPlane {
    const { authority: managed } = this.#fleets;
    return make({
      config: this.#config,
      observer: this.#statuses.reports,
      counters: this.#metrics,
      managed,
      peers: this.#peers,
      services: [telemetryService(this.#telemetry, this.#faults, this.#log)],
      admin: operatorService(this.#operations, this.#log),
      faults: this.#faults,
      log: this.#log,
    });
  }

  #makeOperations(): readonly Operation[] {
    return operationsOf({
      fleet: this.#fleet,
      endpoints: { registrations: this.#registry.registrations, rules: compilerOptions(this.#config) },
      limits: this.#limitBook,
      window: new LongRangeReader(this.#window, this.#alerting.prometheus),
      log: this.#log,
      alerts: this.#alerting.desk,
      dumps: {
        resources: this.#compiled.resources,
        sessions: () => this.#push.sessions(),
        statuses: () =>
          [...this.#source.live.all()].map(({ ref, status }) => ({ object: objectId(ref), status: JSON.parse(status) as object })),
        lookups: () => this.#discovery.states(),
      },
    });
  }

  *#resources(): Iterable<Resource> {
    for (const { body } of this.#pipeline.resources()) yield JSON.parse(body.toString()) as Resource;
  }

  #makeTelemetry(): TelemetryHub {
    const subscribed = () =>
      this.#push.sessions().map(({ nodeId, scope, weirVersion, address }) => ({ node: nodeId, scope, version: weirVersion, address }));
    return new TelemetryHub({
      log: this.#log,
      subscribed,
      overridden: (override) => void this.#registry.overrides.keep(override),
      blocked: (blocks) => this.#peers.share(blocks),
    });
  }

  #makeWindow(): WindowReader {
    const refused = (): number => this.#statuses.reports.refused;
    const [hub, peers, fleet, limits] = [this.#telemetry, this.#peers, this.#fleet, this.#limitBook];
    return fleetWindow({ hub, peers, fleet, limits, resources: () => this.#resources(), refused });
  }

  #makeAlerting(namespace: string): Alerting {
    const alerting = new Alerting({
      settings: this.#config.alerts,
      kept: this.#registry.alerts,
      reader: this.#window,
      resources: this.#compiled.resources,
      operatorNamespace: namespace,
      leads: () => this.#election.leads(),
      guard: serverGuard(compilerOptions(this.#config)),
      faults: this.#faults,
      log: this.#log,
    });
    registerFamilies(this.#metrics.registry, alerting.evaluator.families);
    return alerting;
  }

  #makePrometheusRules(namespaces: readonly string[]): PrometheusRuleWriter | null {
    const { isOn, labels } = this.#config.prometheusRules;
    if (!isOn) return null;
    return new PrometheusRuleWriter({
      client: this.#client,
      namespaces,
      labels,
      operatorNamespace: this.#namespace,
      uidOf: this.#compiled.uidOf,
      leads: () => this.#election.leads(),
      faults: this.#faults,
      log: this.#log,
    });
  }

  #makeTroubles(): TroubleWatch {
    return new TroubleWatch({
      fleet: this.#fleet,
      resources: this.#compiled.resources,
      leads: () => this.#election.leads(),
      tell: (news) => {
        logNews(this.#log, news);
        this.#statuses.events.report(troubleEvent(news));
      },
      guard: this.#faults,
    });
  }

  #makeStatuses(): StatusPlane {
    return new StatusPlane({
      config: this.#config,
      client: this.#client,
      source: this.#source,
      compiled: this.#compiled,
      sourceTroubles: () => this.#discovery.troubles(),
      leads: () => this.#election.leads(),
      faults: this.#faults,
      wrote: (kind, result) => this.#metrics.statusWritten(kind, result),
      log: this.#log,
    });
  }

  #makeFleets(namespace: string, namespaces: readonly string[]): FleetPlane {
    return new FleetPlane({
      config: this.#config,
      client: this.#client,
      namespace,
      namespaces,
      live: this.#source.live,
      leads: () => this.#election.leads(),
      troubled: (kind, trouble) => this.#statuses.readability.troubled(kind, trouble),
      fleetTroubled: (gateway, message) => this.#statuses.programmed.troubled(gateway, message),
      faults: this.#faults,
      log: this.#log,
    });
  }

  #makeElection(namespace: string): LeaseElection {
    const { leaseName: name, identity, advertiseHost } = this.#config;
    const address = () => (this.#pushPort === null ? '' : joinAddress(advertiseHost, this.#pushPort));
    // A bug here must not look like a fault of the Lease.
    const followed = (leader: string | null) => void this.#faults.guard('push', () => this.#push.follow(leader));
    const changed = (leading: boolean) => {
      this.#faults.guard('push', () => this.#push.lead(leading));
      this.#limits.lead(leading);
      if (!leading) return;
      this.#components.resume();
      this.#issuer.resume();
      this.#prometheusRules?.resume();
    };
    return new LeaseElection({ client: this.#client, namespace, name, identity, address, log: this.#log, changed, followed });
  }

  #makeMetrics(): ControllerMetrics {
    return new ControllerMetrics({
      acme: () => acmeFamilies(this.#acmeCounts, () => this.#issuer.progress()),
      discovery: () => this.#discovery,
      telemetry: () => this.#telemetry,
      objects: () => this.#source.objectCounts(),
      troubles: () => new Map([...this.#source.troubles()].map(([kind, { problem }]) => [kind, problem.type])),
      sessions: () => this.#push.sessions(),
      synced: () => new Map(Object.keys(KINDS).map((kind) => [kind, this.#source.isSynced(kind)])),
      problems: () => this.#pipeline.problems(),
      waiting: () => this.#pipeline.waiting,
      statusesWaiting: () => this.#statuses.writer.depth,
      leads: () => this.#election.leads(),
      pairs: () => this.#pipeline.pairs,
    });
  }

  #makeServers() {
    const sources = {
      obstacle: () => this.#obstacle(),
      // These troubles do not make a replica unready: every replica has the same rights and bugs, and proxies keep their configuration.
      troubles: () => [...[...this.#source.troubles()].map(([kind, { message }]) => `${kind}: ${message}`), ...this.#pipeline.troubles()],
      metrics: this.#metrics,
      operations: this.#operations,
      log: this.#log,
    };
    return { probes: probeServer(this.#config, sources), admin: adminServer(this.#config, sources) };
  }

  #stopServing(): Promise<void> {
    this.#telemetry.stop();
    return this.#push.stop();
  }

  async #serve(): Promise<void> {
    this.#pushPort = await this.#push.start();
  }

  /** Why proxies are not served; null if they are. */
  #obstacle(): string | null {
    if (this.#components.isRunning) return null;
    const { authority } = this.#fleets;
    if (authority !== null && authority.trouble !== '') return authority.trouble;
    const missing = Object.keys(KINDS).filter((kind) => !this.#source.isSynced(kind));
    if (missing.length === 0) return ['starting to serve, or stopping', ...this.#pipeline.troubles()].join('\n');
    const troubles = missing.flatMap((kind) => this.#source.troubles().get(kind)?.message ?? []);
    return [`not read yet: ${missing.join(', ')}`, ...troubles].join('\n');
  }
}

function compilerOptions(config: ControllerConfig): CompilerOptions & AddressRules {
  const {
    controllerName,
    addresses,
    proxyService,
    fleets,
    allowedEndpoints,
    allowExternalNames,
    pushAddress,
    metricsAddress,
    adminAddress,
    sessionSecret,
  } = config;
  const ports = new Set([pushAddress, metricsAddress, adminAddress].map(({ port }) => port));
  return {
    controllerName,
    addresses,
    proxyService,
    sessionSecret,
    fleets: { byDefault: fleets.byDefault, lacks: fleets.lacks },
    allowLoopback: false,
    allowedEndpoints,
    allowExternalNames,
    own: { addresses: ownAddresses(), ports },
  };
}

/** Warms up the schemas while the API server lists objects, so that the first object of a kind compiles as fast as later ones. */
async function prepareKinds(): Promise<void> {
  for (const kind of Object.keys(KINDS) as KindName[]) {
    await setImmediate();
    prepareValidation(kind);
  }
}
