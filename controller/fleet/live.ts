// The live objects of fleets: all objects with the label of this controller, from the watch.
import { Faults } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import { objectId } from '#api/k8s/object.ts';
import type { ApiClient } from '../watch/api-client.ts';
import type { InformerProblem, RawChange } from '../watch/informer.ts';
import { Informers } from '../watch/informers.ts';
import { metadataOf } from '../watch/kinds.ts';
import type { RawObject } from '../watch/kinds.ts';
import { describeProblem } from '../watch/trouble.ts';
import type { TroubleListener } from '../watch/trouble.ts';
import { FLEET_KINDS, type FleetKindName, type FleetObjectRef } from './kinds.ts';
import { CONTROLLER_LABEL, controllerLabel } from './manifest.ts';

/** The field manager of fleet objects. */
export const FIELD_MANAGER = 'weir-fleet';

/** A live object. */
export interface LiveObject {
  readonly ref: FleetObjectRef;
  readonly uid: string;
  readonly resourceVersion: string;
  /** The Gateway `<namespace>/<name>` that owns it, and the uid of that Gateway; '' for none. */
  readonly gateway: string;
  readonly ownerUid: string;
  /** Without managedFields, and without the private key of a Secret. */
  readonly object: RawObject;
  /** Whether Weir's field manager owns spec.replicas of a Deployment. */
  readonly ownsReplicas: boolean;
}

export interface LiveFleetsOptions {
  readonly client: ApiClient;
  /** The namespaces with Gateways; empty means all. */
  readonly namespaces: readonly string[];
  readonly controllerName: string;
  readonly log: Log;
  /** Called with kinds that cannot be watched, as `fleet/<kind>`. */
  readonly troubled: TroubleListener;
  /** If absent, bugs are logged but not counted. */
  readonly faults?: Faults;
}

export interface LiveFleetsListener {
  /** Called with a Gateway whose objects have changed. */
  changed(gateway: string): void;
  /** Called when all objects are known. */
  synced(): void;
}

export class LiveFleets {
  readonly #objects = new Map<string, LiveObject>();
  readonly #informers: readonly Informers[];
  readonly #options: LiveFleetsOptions;
  readonly #faults: Faults;
  readonly #synced = new Set<string>();
  #listener: LiveFleetsListener = { changed: () => undefined, synced: () => undefined };

  constructor(options: LiveFleetsOptions) {
    this.#options = options;
    this.#faults = options.faults ?? new Faults(options.log);
    const { client, namespaces, controllerName } = options;
    const labelSelector = `${CONTROLLER_LABEL}=${controllerLabel(controllerName)}`;
    this.#informers = (Object.keys(FLEET_KINDS) as FleetKindName[]).map((name) => {
      const kind = { api: FLEET_KINDS[name], fieldSelector: '', labelSelector, fingerprint: versionOf };
      const listener = {
        changed: (changes: readonly RawChange[]) => this.#changed(name, changes),
        synced: () => this.#sync(name),
        problem: (problem: InformerProblem | null) => this.#problem(name, problem),
        began: () => undefined,
      };
      return new Informers(kind, namespaces, client, listener);
    });
  }

  listen(listener: LiveFleetsListener): void {
    this.#listener = listener;
  }

  start(): void {
    for (const informer of this.#informers) informer.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#informers.map((informer) => informer.stop()));
  }

  /** Whether all objects are known. Before that, none may be created or removed. */
  get isSynced(): boolean {
    return this.#synced.size === this.#informers.length;
  }

  get(ref: FleetObjectRef): LiveObject | undefined {
    return this.#objects.get(objectId(ref));
  }

  of(gateway: string): readonly LiveObject[] {
    return [...this.#objects.values()].filter((live) => live.gateway === gateway);
  }

  /** Every Gateway that owns an object. */
  gateways(): ReadonlySet<string> {
    return new Set([...this.#objects.values()].map(({ gateway }) => gateway).filter((gateway) => gateway !== ''));
  }

  #sync(kind: string): void {
    this.#synced.add(kind);
    if (this.isSynced) this.#listener.synced();
  }

  #changed(kind: FleetKindName, changes: readonly RawChange[]): void {
    const touched = new Set<string>();
    for (const change of changes) {
      const { namespace, name } = change;
      this.#faults.guard('fleets', () => this.#take(kind, change, touched), { kind, namespace, name });
    }
    touched.delete('');
    for (const gateway of touched) this.#faults.guard('fleets', () => this.#listener.changed(gateway), { gateway });
  }

  #take(kind: FleetKindName, { type, namespace, name, object }: RawChange, touched: Set<string>): void {
    const ref = { kind, namespace, name };
    const id = objectId(ref);
    const before = this.#objects.get(id);
    if (before !== undefined) touched.add(before.gateway);
    if (type === 'delete' || object === null) {
      this.#objects.delete(id);
      return;
    }
    const live = liveObject(ref, object);
    this.#objects.set(id, live);
    touched.add(live.gateway);
  }

  #problem(kind: FleetKindName, problem: InformerProblem | null): void {
    const { log, troubled } = this.#options;
    if (problem === null) {
      log.info({ kind }, 'objects of fleets are watched again');
      return troubled(`fleet/${kind}`, null);
    }
    const message = describeProblem(FLEET_KINDS[kind], 'this kind is built into Kubernetes', problem);
    log.warn({ kind, reason: message }, 'cannot watch the objects of fleets: dedicated proxies stay as they are');
    troubled(`fleet/${kind}`, { problem, message, matters: true });
  }
}

function versionOf(object: RawObject): string {
  return String(metadataOf(object)['resourceVersion']);
}

interface OwnerReference {
  readonly kind?: unknown;
  readonly name?: unknown;
  readonly uid?: unknown;
  readonly controller?: unknown;
}

/** From an object as the API server sent it. */
export function liveObject(ref: FleetObjectRef, raw: RawObject): LiveObject {
  const { managedFields, ...metadata } = metadataOf(raw);
  const owners = (metadata['ownerReferences'] ?? []) as readonly OwnerReference[];
  const owner = owners.find(({ kind, controller }) => kind === 'Gateway' && controller === true);
  const data = raw['data'] as Readonly<Record<string, unknown>> | undefined;
  const kept = data === undefined ? {} : { data: { 'ca.crt': data['ca.crt'], 'tls.crt': data['tls.crt'] } };
  return {
    ref,
    uid: String(metadata['uid']),
    resourceVersion: String(metadata['resourceVersion']),
    gateway: owner === undefined ? '' : `${ref.namespace}/${String(owner.name)}`,
    ownerUid: String(owner?.uid ?? ''),
    object: { ...raw, metadata, ...kept },
    ownsReplicas: ref.kind === 'Deployment' && ownsReplicas(managedFields),
  };
}

interface ManagedField {
  readonly manager?: unknown;
  readonly subresource?: unknown;
  readonly fieldsV1?: { readonly 'f:spec'?: object };
}

function ownsReplicas(managedFields: unknown): boolean {
  const entries = (managedFields ?? []) as readonly ManagedField[];
  return entries.some(
    ({ manager, subresource, fieldsV1 }) =>
      manager === FIELD_MANAGER && subresource === undefined && Object.hasOwn(fieldsV1?.['f:spec'] ?? {}, 'f:replicas'),
  );
}
