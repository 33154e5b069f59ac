// The leader assigns addresses of the pool to every Service of the pool's class, by writing their statuses.
import { Backoff } from '#lib/backoff.ts';
import type { BackoffOptions } from '#lib/backoff.ts';
import { Faults } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import { WorkQueue } from '../status/work-queue.ts';
import type { WorkOutcome } from '../status/work-queue.ts';
import { ApiError, messageOf } from '../watch/api-client.ts';
import type { ApiClient, ApiReply } from '../watch/api-client.ts';
import { Informers } from '../watch/informers.ts';
import type { InformerProblem, RawChange } from '../watch/informer.ts';
import { metadataOf } from '../watch/kinds.ts';
import type { RawObject } from '../watch/kinds.ts';
import { allocate } from './address-pool.ts';
import type { AddressPool, Allocation } from './address-pool.ts';
import { FLEET_KINDS, fleetObjectPath } from './kinds.ts';
import { pooledService, statusToWrite, type LivePooledService } from './pooled-service.ts';

export interface PoolKeeperOptions {
  readonly client: ApiClient;
  /** The namespaces whose Services get addresses; empty means all. */
  readonly namespaces: readonly string[];
  readonly pool: AddressPool;
  readonly leads: () => boolean;
  readonly log: Log;
  /** If absent, bugs are logged but not counted. */
  readonly faults?: Faults;
}

/** One task for all Services, since their allocations depend on each other. */
const ALL = 'all';
const BACKOFF: BackoffOptions = { minimum: 1_000, maximum: 30_000 };

export class PoolKeeper {
  readonly #options: PoolKeeperOptions;
  readonly #faults: Faults;
  readonly #informers: Informers;
  readonly #queue: WorkQueue;
  readonly #backoff = new Backoff(BACKOFF);
  readonly #services = new Map<string, LivePooledService>();
  #synced = false;

  constructor(options: PoolKeeperOptions) {
    this.#options = options;
    this.#faults = options.faults ?? new Faults(options.log);
    const kind = {
      api: FLEET_KINDS.Service,
      fieldSelector: '',
      fingerprint: (object: RawObject) => String(metadataOf(object)['resourceVersion']),
    };
    this.#informers = new Informers(kind, options.namespaces, options.client, {
      changed: (changes) => this.#changed(changes),
      synced: () => this.#sync(),
      problem: (problem) => this.#problem(problem),
      began: () => undefined,
    });
    this.#queue = new WorkQueue({
      concurrency: 1,
      open: () => this.#synced && options.leads(),
      work: () => this.#work(),
      faults: this.#faults,
    });
  }

  start(): void {
    this.#informers.start();
  }

  /** This controller leads now. */
  resume(): void {
    this.#queue.request(ALL);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#informers.stop(), this.#queue.stop()]);
  }

  #sync(): void {
    this.#synced = true;
    this.#queue.request(ALL);
  }

  #changed(changes: readonly RawChange[]): void {
    let matters = false;
    for (const change of changes) {
      const { namespace, name } = change;
      this.#faults.guard('pool', () => (matters = this.#note(change) || matters), { kind: 'Service', namespace, name });
    }
    if (matters) this.#queue.request(ALL);
  }

  /** Takes a change; returns whether it may affect the allocation. */
  #note({ type, namespace, name, object }: RawChange): boolean {
    const service = type === 'delete' || object === null ? null : pooledService(namespace, name, object);
    return service === null ? this.#services.delete(`${namespace}/${name}`) : this.#take(service);
  }

  /** Keeps the newer version: the watch may be behind the answer to a write. False if the version is not newer. */
  #take(service: LivePooledService): boolean {
    const known = this.#services.get(service.key);
    if (known !== undefined && BigInt(known.resourceVersion) >= BigInt(service.resourceVersion)) return false;
    this.#services.set(service.key, service);
    return true;
  }

  async #work(): Promise<WorkOutcome> {
    const { pool, log } = this.#options;
    try {
      for (const [key, allocation] of allocate(pool, [...this.#services.values()])) await this.#bring(key, allocation);
      this.#backoff.reset();
      return { restMs: 0, again: false };
    } catch (error) {
      log.warn({ err: error }, 'cannot assign addresses of the pool');
      const isConflict = error instanceof ApiError && error.status === 409;
      return { restMs: isConflict ? BACKOFF.minimum : this.#backoff.next(), again: true };
    }
  }

  /** Writes one status. It fails if another client has changed the Service; the watch then causes another round. */
  async #bring(key: string, allocation: Allocation): Promise<void> {
    const { client, leads, log } = this.#options;
    const service = this.#services.get(key);
    // The Service is deleted; its addresses are free in the next round.
    const status = service === undefined ? null : statusToWrite(service, allocation);
    if (service === undefined || status === null) return;
    if (!leads()) throw new Error('another controller leads now');
    const { namespace, name, resourceVersion } = service;
    const path = `${fleetObjectPath({ kind: 'Service', namespace, name })}/status`;
    const body = { metadata: { resourceVersion }, status };
    const reply = await client.call({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' });
    if (reply.status !== 200) throw new ApiError(reply.status, { message: refusalOf(key, reply) });
    const after = pooledService(namespace, name, reply.body as RawObject);
    if (after !== null) this.#take(after);
    log.info({ service: key, addresses: allocation.addresses, ...(allocation.obstacle ?? {}) }, 'assigned the addresses of a Service');
  }

  #problem(problem: InformerProblem | null): void {
    if (problem !== null) this.#options.log.warn({ problem }, 'cannot watch Services: the address pool assigns no addresses');
  }
}

function refusalOf(key: string, { status, body }: ApiReply): string {
  const rule = JSON.stringify({ apiGroups: [''], resources: ['services/status'], verbs: ['patch'] });
  const lacks = status === 403 ? `, the rule ${rule} is missing` : '';
  return `Service/${key}: ${messageOf(body) ?? `the API server answered ${status}`}${lacks}`;
}
