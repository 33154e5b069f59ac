// Adds the ports of listeners to the Service of the shared proxies, and removes them. The leader writes them by server-side apply with its
// own field manager, so that ports of other managers, such as Helm, stay.
//
//     delta ──> listeners of the shared scope ──┐
//                                               ├──> ports that the Service lacks, or own ports without a listener ──> apply
//     watch of the Service ──> its ports ───────┘
import { isDeepStrictEqual } from 'node:util';
import type { Listener } from '#api/ir/ir.ts';
import { Backoff } from '#lib/backoff.ts';
import type { BackoffOptions } from '#lib/backoff.ts';
import type { Faults } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import { FleetScopes, SHARED } from '../compile/fleet-scopes.ts';
import type { FleetPort, Handover } from '../compile/result.ts';
import { WorkQueue } from '../status/work-queue.ts';
import type { WorkOutcome } from '../status/work-queue.ts';
import { ApiError, messageOf } from '../watch/api-client.ts';
import type { ApiClient, ApiReply } from '../watch/api-client.ts';
import { Informer } from '../watch/informer.ts';
import type { InformerProblem, RawChange } from '../watch/informer.ts';
import { metadataOf } from '../watch/kinds.ts';
import type { RawObject } from '../watch/kinds.ts';
import { FLEET_KINDS, fleetObjectPath } from './kinds.ts';
import { isAsMade, othersIn, sharedPorts, type ServicePort } from './service-ports.ts';

/** The field manager of the ports of listeners. */
const FIELD_MANAGER = 'weir-ports';
const BACKOFF: BackoffOptions = { minimum: 500, maximum: 30_000 };
/** The key of the only task: the Service. */
const SERVICE = 'service';

export interface PortKeeperOptions {
  readonly client: ApiClient;
  /** `<namespace>/<name>`. The controller neither creates nor deletes it. */
  readonly service: string;
  readonly leads: () => boolean;
  readonly log: Log;
  readonly faults: Faults;
}

/** The Service as the watch delivers it. */
interface LiveService {
  readonly uid: string;
  readonly ports: readonly ServicePort[];
}

export class PortKeeper {
  readonly #options: PortKeeperOptions;
  readonly #ref: { readonly kind: 'Service'; readonly namespace: string; readonly name: string };
  readonly #informer: Informer;
  readonly #queue: WorkQueue;
  readonly #backoff = new Backoff(BACKOFF);
  readonly #scopes = new FleetScopes();
  /** By key of the listener. */
  readonly #listeners = new Map<string, FleetPort & { readonly gateway: string }>();
  /** Null if it does not exist. */
  #service: LiveService | null = null;
  /** The last applied ports and their result in the Service, so that an apply without effect is not repeated. */
  #settled: object | null = null;

  constructor(options: PortKeeperOptions) {
    const { client, service, leads, faults } = options;
    const [namespace = '', name = ''] = service.split('/');
    this.#options = options;
    this.#ref = { kind: 'Service', namespace, name };
    const kind = {
      api: FLEET_KINDS.Service,
      namespace,
      fieldSelector: `metadata.name=${name}`,
      fingerprint: (object: RawObject) => String(metadataOf(object)['resourceVersion']),
    };
    this.#informer = new Informer(kind, client, {
      changed: (changes) => void faults.guard('ports', () => this.#changed(changes), this.#ref),
      synced: () => this.resume(),
      problem: (problem) => this.#problem(problem),
      began: () => undefined,
    });
    this.#queue = new WorkQueue({ concurrency: 1, open: leads, work: () => this.#work(), faults });
  }

  /** Takes compiled listeners. */
  apply({ changed, removed, fleets, fleetsGone }: Pick<Handover, 'changed' | 'removed' | 'fleets' | 'fleetsGone'>): void {
    const moved = this.#scopes.apply({ fleets, fleetsGone }).length > 0;
    const gone = removed.filter(({ kind, key }) => kind === 'Listener' && this.#listeners.delete(key)).length > 0;
    const listeners = changed.filter(({ kind }) => kind === 'Listener');
    for (const { key, body } of listeners) {
      const { gateway, port, protocol } = JSON.parse(body.toString()) as Listener;
      this.#listeners.set(key, { gateway, port, protocol: protocol === 'UDP' ? 'UDP' : 'TCP' });
    }
    if (moved || gone || listeners.length > 0) this.resume();
  }

  start(): void {
    this.#informer.start();
  }

  /** This controller leads now. */
  resume(): void {
    this.#queue.request(SERVICE);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#informer.stop(), this.#queue.stop()]);
  }

  #changed(changes: readonly RawChange[]): void {
    for (const { type, object } of changes) this.#service = type === 'delete' || object === null ? null : liveService(object);
    this.resume();
  }

  async #work(): Promise<WorkOutcome> {
    const live = this.#service;
    if (live === null) return { restMs: 0, again: false };
    const shared = [...this.#listeners.values()].filter(({ gateway }) => this.#scopes.scopeOf(gateway) === SHARED);
    const ports = sharedPorts(shared, othersIn(live.ports));
    try {
      if (!isAsMade(live.ports, ports) && !isDeepStrictEqual(this.#settled, { live, ports })) await this.#apply(live, ports);
      this.#backoff.reset();
      return { restMs: 0, again: false };
    } catch (error) {
      this.#options.log.warn({ err: error, service: this.#options.service }, 'cannot write the ports of listeners into the Service');
      return { restMs: this.#backoff.next(), again: true };
    }
  }

  /** Applies with the uid, so that a deleted Service is not created again. */
  async #apply(live: LiveService, ports: readonly ServicePort[]): Promise<void> {
    const { client, leads, log, service } = this.#options;
    if (!leads()) throw new Error('another controller leads now');
    const { namespace, name } = this.#ref;
    const { apiVersion } = FLEET_KINDS.Service;
    const spec = ports.length === 0 ? {} : { ports };
    const body = { apiVersion, kind: 'Service', metadata: { namespace, name, uid: live.uid }, spec };
    const path = `${fleetObjectPath(this.#ref)}?fieldManager=${FIELD_MANAGER}&force=true`;
    const reply = await client.call({ method: 'PATCH', path, body, contentType: 'application/apply-patch+yaml' });
    if (reply.status !== 200) throw new ApiError(reply.status, { message: this.#refusalOf(reply) });
    const after = liveService(reply.body as RawObject);
    this.#service = after;
    // A difference that remains after the apply has its cause in other field managers.
    this.#settled = { live: after, ports: sharedPorts(ports, othersIn(after.ports)) };
    log.info({ service, ports: ports.map((port) => port.name) }, 'the ports of the Service follow the listeners');
  }

  #refusalOf({ status, body }: ApiReply): string {
    const { name, namespace } = this.#ref;
    const rule = JSON.stringify({ apiGroups: [''], resources: ['services'], resourceNames: [name], verbs: ['patch'] });
    const lacks = status === 403 ? `, the rule ${rule} is missing in a Role of namespace ${namespace}` : '';
    return `Service/${namespace}/${name}: ${messageOf(body) ?? `the API server answered ${status}`}${lacks}`;
  }

  #problem(problem: InformerProblem | null): void {
    const { log, service } = this.#options;
    if (problem !== null) log.warn({ service, problem }, 'cannot watch the Service: its ports stay as they are');
  }
}

function liveService(object: RawObject): LiveService {
  const { ports = [] } = (object['spec'] ?? {}) as { readonly ports?: readonly ServicePort[] };
  return {
    uid: String(metadataOf(object)['uid']),
    ports: ports.map(({ name, port, protocol, targetPort }) => ({ name, port, protocol, targetPort })),
  };
}
