// The wiring of `weir controller`: cluster > pipeline > push to proxies, statuses and Events as far as this replica leads.
import { setImmediate } from 'node:timers/promises';
import { KINDS } from '#api/k8s/kinds.ts';
import type { KindName } from '#api/k8s/kinds.ts';
import type { EncodedResource, ResourceKind } from '#api/ir/ir.ts';
import { objectId } from '#api/k8s/object.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import { prepareValidation } from '#api/k8s/validate.ts';
import { AdminServer, json, refuseWebPages, text } from '#lib/admin-server.ts';
import type { Log } from '#lib/log.ts';
import { dumpResources } from './admin/dump.ts';
import { ControllerMetrics } from './admin/metrics.ts';
import { ManagedAuthority } from './authority/managed-authority.ts';
import type { CompileDelta } from './compile/result.ts';
import type { ControllerConfig } from './config.ts';
import { AuthorityFile } from './fleet/authority.ts';
import type { AuthoritySource } from './fleet/authority.ts';
import { Fleets } from './fleet/fleets.ts';
import { LiveFleets } from './fleet/live.ts';
import { PoolKeeper } from './fleet/pool-keeper.ts';
import { LeaseElection } from './leader/lease.ts';
import { Pipeline } from './pipeline.ts';
import type { ResourceSink } from './pipeline.ts';
import { referencesOf } from './push/references.ts';
import type { CertificateSource } from './push/certificates.ts';
import { EventWriter } from './status/event-writer.ts';
import { FleetState } from './status/fleet-state.ts';
import type { Refusal } from './status/fleet-state.ts';
import { refusalEvent } from './status/nack-event.ts';
import { Programmed } from './status/programmed.ts';
import { Readability } from './status/readability.ts';
import { RefusedReferences } from './status/refused-references.ts';
import { StatusWriter } from './status/writer.ts';
import { ApiClient, loadKubeConfig, namespaceOf } from './watch/api-client.ts';
import { KubernetesSource } from './watch/kubernetes.ts';
import type { TroubleListener } from './watch/trouble.ts';

/** How long changes may gather, milliseconds. An API server sends what was applied together within a few. */
const BATCH = { quiet: 5, maximum: 25 };

/** What serves proxies. */
export interface PushPlane extends ResourceSink {
  /** Accepts proxies; everything that exists has been applied. Resolves with the port. */
  start(): Promise<number>;
  /** Ends every stream so that proxies look for another controller at once. */
  stop(): Promise<void>;
  /** Whether this controller leads: then others tell it what their proxies serve. */
  lead(leading: boolean): void;
  /** The `host:port` of the controller that leads, to tell it what proxies serve; null when it is this one, or not known. */
  follow(leader: string | null): void;
  /** The proxies connected, for the dump: what each is called and has. */
  sessions(): readonly object[];
}

/** Told of what the push plane does: metrics. */
export interface PushCounters {
  /** Bytes of resources sent. */
  pushed(bytes: number): void;
  /** A proxy of this controller, not of another, refuses a version of a resource. */
  nacked(kind: ResourceKind): void;
}

/**
 * Makes a push plane that reports what proxies ack and nack to the fleet state. `managed`: the certificates that Weir makes itself; null
 * where the configuration says what there is instead.
 */
export type MakePushPlane = (
  config: ControllerConfig,
  fleet: FleetState,
  counters: PushCounters,
  log: Log,
  managed: CertificateSource | null,
) => PushPlane;

/** The ports a controller listens on. */
export interface ControllerPorts {
  readonly push: number;
  readonly probes: number;
  readonly admin: number;
}

export class Controller {
  readonly #config: ControllerConfig;
  readonly #log: Log;
  readonly #client: ApiClient;
  readonly #source: KubernetesSource;
  readonly #fleet = new FleetState();
  readonly #push: PushPlane;
  readonly #pipeline: Pipeline;
  readonly #programmed: Programmed;
  readonly #references: RefusedReferences;
  readonly #writer: StatusWriter;
  readonly #events: EventWriter;
  readonly #readability: Readability;
  /** Null where Weir makes no certificates of its own accord. */
  readonly #authority: ManagedAuthority | null;
  /** Null where no proxies can be made. */
  readonly #fleets: { readonly live: LiveFleets; readonly fleets: Fleets } | null;
  /** Null without a pool of addresses. */
  readonly #pool: PoolKeeper | null;
  readonly #election: LeaseElection;
  readonly #metrics: ControllerMetrics;
  readonly #probes: AdminServer;
  readonly #admin: AdminServer;
  /** Everything compiled, for the dump. Shares its bytes with the compiler. */
  readonly #resources = new Map<string, EncodedResource>();
  /** Where other controllers reach this one, `host:port`; '' before it is bound. */
  #address = '';
  #ready = false;
  #stopping = false;

  /** Throws when the kubeconfig cannot be used. */
  constructor(config: ControllerConfig, makePush: MakePushPlane, log: Log) {
    this.#config = config;
    this.#log = log;
    const kubeConfig = loadKubeConfig(config.kubeconfig);
    this.#client = new ApiClient(kubeConfig);
    this.#metrics = new ControllerMetrics({
      objects: () => this.#source.objectCounts(),
      troubles: () => new Map([...this.#source.troubles()].map(([kind, { problem }]) => [kind, problem.type])),
      proxies: () => this.#push.sessions().length,
      statusesWaiting: () => this.#writer.depth,
      leads: () => this.#election.leads(),
    });
    const troubled: TroubleListener = (kind, trouble) => this.#readability.troubled(kind, trouble);
    this.#source = new KubernetesSource(this.#client, { began: (kind, what) => this.#metrics.watchBegan(kind, what), troubled });
    const namespace = config.namespace || namespaceOf(kubeConfig);
    this.#authority = this.#makeAuthority(namespace);
    this.#push = makePush(config, this.#fleet, this.#pushCounters(), log, this.#authority);
    this.#election = this.#makeElection(namespace);
    this.#writer = this.#makeWriter();
    this.#events = this.#makeEvents();
    this.#readability = this.#makeReadability();
    this.#references = new RefusedReferences({
      target: this.#readability,
      resources: () => this.#resources.values(),
      wantsOf: (resource) => referencesOf(resource).wants,
    });
    this.#programmed = new Programmed(this.#fleet, this.#references);
    this.#fleets = this.#makeFleets(troubled);
    this.#pool = this.#makePool();
    this.#fleet.onChange({
      progressed: (listener) => this.#programmed.progressed(listener),
      proxiesChanged: (gateway) => this.#programmed.proxiesChanged(gateway),
      refused: (kind, key, refusal) => this.#refused(kind, key, refusal),
    });
    this.#pipeline = this.#makePipeline();
    this.#probes = this.#makeProbes();
    this.#admin = this.#makeAdmin();
  }

  /**
   * Resolves once everything in the cluster is compiled and proxies are served. As long as the API server cannot be reached it waits;
   * probes and metrics are there from the beginning. Rejects when an address cannot be bound. Null when it was stopped meanwhile.
   */
  async start(): Promise<ControllerPorts | null> {
    const [probes, admin] = await Promise.all([this.#probes.start(), this.#admin.start()]);
    this.#log.info({ probes, admin }, 'probes and metrics are served');
    await Promise.all([this.#pipeline.start(), this.#authority?.start(), prepareKinds()]);
    if (this.#stopping) return null;
    const push = await this.#push.start();
    this.#address = reachable(this.#config.advertiseHost, push);
    this.#ready = true;
    // Not before the first compile: a leader takes away what it does not want.
    this.#fleets?.live.start();
    this.#pool?.start();
    this.#election.start();
    this.#log.info({ push, objects: Object.fromEntries(this.#source.objectCounts()) }, 'proxies are served');
    return { push, probes, admin };
  }

  /** Ends the streams, finishes the writes under way, gives up the Lease. */
  async stop(): Promise<void> {
    this.#ready = false;
    this.#stopping = true;
    await Promise.all([this.#push.stop(), this.#authority?.stop()]);
    this.#programmed.stop();
    this.#readability.stop();
    await this.#pipeline.stop();
    await Promise.all([
      this.#writer.stop(),
      this.#events.stop(),
      this.#fleets?.fleets.stop(),
      this.#fleets?.live.stop(),
      this.#pool?.stop(),
    ]);
    await this.#election.stop();
    await Promise.all([this.#probes.stop(), this.#admin.stop(), this.#client.close()]);
  }

  #makePipeline(): Pipeline {
    const { controllerName, addresses, proxyService, fleets } = this.#config;
    return new Pipeline({
      sources: [this.#source],
      compiler: { controllerName, addresses, proxyService, fleets: { byDefault: fleets.byDefault, lacks: fleets.lacks } },
      batch: BATCH,
      push: { apply: (delta) => this.#apply(delta) },
      status: this.#programmed,
      ...(this.#fleets === null ? {} : { fleets: this.#fleets.fleets }),
      log: this.#log,
      compiled: (delta: CompileDelta, ms: number) => this.#metrics.compiled(delta, ms),
    });
  }

  #makeElection(namespace: string): LeaseElection {
    const { leaseName: name, identity } = this.#config;
    const changed = (leading: boolean) => {
      this.#push.lead(leading);
      if (!leading) return;
      this.#writer.resume();
      this.#fleets?.fleets.resume();
      // What was refused while nobody led has been told to nobody.
      for (const refusal of this.#fleet.refusals()) this.#events.report(refusalEvent(refusal));
      this.#readability.resume();
      this.#pool?.resume();
    };
    const followed = (leader: string | null) => this.#push.follow(leader);
    const address = () => this.#address;
    return new LeaseElection({ client: this.#client, namespace, name, identity, address, log: this.#log, changed, followed });
  }

  #pushCounters(): PushCounters {
    return { pushed: (bytes) => this.#metrics.pushed(bytes), nacked: (kind) => this.#metrics.nacked(kind) };
  }

  #makeAuthority(namespace: string): ManagedAuthority | null {
    const { pushTls, fleets } = this.#config;
    if (pushTls.from !== 'secrets') return null;
    const { authoritySecret, proxySecret, authorityLifetime } = pushTls;
    return new ManagedAuthority({
      ...{ client: this.#client, namespace, authoritySecret, proxySecret, authorityLifetime, log: this.#log },
      host: fleets.controllerTlsName || fleets.controller.slice(0, fleets.controller.lastIndexOf(':')),
      lifetime: fleets.certificateLifetime,
      changed: () => this.#fleets?.fleets.resume(),
    });
  }

  #makeWriter(): StatusWriter {
    return new StatusWriter({
      client: this.#client,
      live: this.#source.live,
      controllerName: this.#config.controllerName,
      leads: () => this.#election.leads(),
      log: this.#log,
      wrote: (kind, result) => this.#metrics.statusWritten(kind, result),
    });
  }

  #makeReadability(): Readability {
    return new Readability({
      target: this.#writer,
      report: (event) => this.#events.report(event),
      isConnected: () => this.#source.isConnected(),
    });
  }

  #makeFleets(troubled: TroubleListener): { live: LiveFleets; fleets: Fleets } | null {
    const { controllerName, fleets, addressPool } = this.#config;
    const authority = this.#authority ?? this.#authorityFile();
    if (fleets.lacks !== '' || authority === null) return null;
    const { image, controller, controllerTlsName, certificateLifetime } = fleets;
    const live = new LiveFleets({ client: this.#client, controllerName, log: this.#log, troubled });
    const made = new Fleets({
      client: this.#client,
      live,
      settings: { controllerName, image, controller, controllerTlsName, certificateLifetime, poolFamilies: addressPool?.families ?? [] },
      authority,
      gatewayUid: (gateway) => this.#source.live.get(gatewayRef(gateway))?.uid ?? '',
      leads: () => this.#election.leads(),
      troubled: (gateway, message) => this.#programmed.troubled(gateway, message),
      log: this.#log,
    });
    return { live, fleets: made };
  }

  #makePool(): PoolKeeper | null {
    const { addressPool: pool } = this.#config;
    if (pool === null) return null;
    return new PoolKeeper({ client: this.#client, pool, leads: () => this.#election.leads(), log: this.#log });
  }

  #authorityFile(): AuthoritySource | null {
    const { pushTls, fleets } = this.#config;
    return pushTls.from === 'files' ? new AuthorityFile({ certificate: pushTls.ca, privateKey: fleets.caKey }, this.#log) : null;
  }

  #makeEvents(): EventWriter {
    const { controllerName, identity: instance } = this.#config;
    const uidOf = (ref: ObjectRef) => this.#source.live.get(ref)?.uid ?? '';
    return new EventWriter({ client: this.#client, uidOf, controllerName, instance, leads: () => this.#election.leads(), log: this.#log });
  }

  #apply(delta: Parameters<ResourceSink['apply']>[0]): void {
    for (const resource of delta.changed) this.#resources.set(`${resource.kind}|${resource.key}`, resource);
    for (const { kind, key } of delta.removed) this.#resources.delete(`${kind}|${key}`);
    // The fleet state must know the new versions before a proxy can ack one.
    this.#fleet.apply(delta);
    this.#references.changed(delta);
    this.#push.apply(delta);
  }

  #refused(kind: ResourceKind, key: string, refusal: Refusal | null): void {
    this.#programmed.refused(kind, key, refusal);
    this.#references.refused(kind, key, refusal);
    if (refusal === null) return;
    this.#log.warn({ ...refusal }, 'a proxy refuses a resource');
    this.#events.report(refusalEvent(refusal));
  }

  #makeProbes(): AdminServer {
    const { registry } = this.#metrics;
    return new AdminServer({
      ...this.#config.metricsAddress,
      paths: {
        'GET /livez': () => text(200, 'alive'),
        'GET /readyz': () => (this.#ready ? text(200, this.#howReady()) : text(503, this.#whyNotReady())),
        'GET /metrics': async () => ({ status: 200, type: registry.contentType, body: await registry.metrics() }),
      },
    });
  }

  /** What cannot be read takes no replica out of service: all have the same rights, and proxies are served what is known. */
  #howReady(): string {
    return ['ready', ...[...this.#source.troubles()].map(([kind, { message }]) => `${kind}: ${message}`)].join('\n');
  }

  #whyNotReady(): string {
    if (this.#authority !== null && this.#authority.trouble !== '') return this.#authority.trouble;
    const missing = Object.keys(KINDS).filter((kind) => !this.#source.isSynced(kind));
    if (missing.length === 0) return 'stopping, or about to serve';
    const troubles = missing.flatMap((kind) => this.#source.troubles().get(kind)?.message ?? []);
    return [`not read yet: ${missing.join(', ')}`, ...troubles].join('\n');
  }

  #makeAdmin(): AdminServer {
    return new AdminServer({
      ...this.#config.adminAddress,
      token: this.#config.adminToken,
      // Who has the token may come from anywhere.
      ...(this.#config.adminToken === '' ? { refuse: refuseWebPages } : {}),
      paths: {
        'GET /resources': () => json(dumpResources(this.#resources.values())),
        'GET /sessions': () => json(this.#push.sessions()),
        'GET /statuses': () =>
          json([...this.#source.live.all()].map(({ ref, status }) => ({ object: objectId(ref), status: JSON.parse(status) as object }))),
      },
    });
  }
}

/** While the API server tells what there is: the first object of a kind is to be served as fast as any other. */
async function prepareKinds(): Promise<void> {
  for (const kind of Object.keys(KINDS) as KindName[]) {
    await setImmediate();
    prepareValidation(kind);
  }
}

function reachable(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function gatewayRef(gateway: string): ObjectRef {
  const slash = gateway.indexOf('/');
  return { kind: 'Gateway', namespace: gateway.slice(0, slash), name: gateway.slice(slash + 1) };
}
