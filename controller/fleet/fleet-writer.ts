// Writes the objects of one fleet by server-side apply with an own field manager, only if they differ.
//
// Each object has the hash of its applied manifest. A different hash or value causes an apply; it also removes fields that are no longer
// in the manifest, since the field manager owns them. Fields of others stay.
import { groupOf } from '#api/k8s/kinds.ts';
import { contentHash } from '#lib/hash.ts';
import type { Log } from '#lib/log.ts';
import type { GatewayParametersSpec } from '#api/k8s/k8s.ts';
import { objectId } from '#api/k8s/object.ts';
import { WEIR_GROUP } from '#api/k8s/schema.ts';
import type { DesiredFleet } from '../compile/result.ts';
import { messageOf } from '../watch/api-client.ts';
import type { ApiClient, ApiReply } from '../watch/api-client.ts';
import type { RawObject } from '../watch/kinds.ts';
import { OwnWrites } from '../watch/own-writes.ts';
import type { AuthoritySource } from './authority.ts';
import { minReplicas } from './autoscaler.ts';
import { areFresh, credentials, credentialsName, issueCredentials } from './credentials.ts';
import { holds, project } from './drift.ts';
import { FLEET_KINDS, fleetObjectPath } from './kinds.ts';
import type { FleetKindName, FleetObjectRef } from './kinds.ts';
import { FIELD_MANAGER, liveObject } from './live.ts';
import type { LiveFleets, LiveObject } from './live.ts';
import { manifests } from './manifests.ts';
import { nameOf, type FleetSettings, type Manifest } from './manifest.ts';

/** Annotation: the hash of the applied manifest. */
const APPLIED = `${WEIR_GROUP}/applied`;

/** Owns spec.replicas between Weir and an autoscaler. Without an owner the API server would reset it to 1. */
const HANDOVER_MANAGER = `${FIELD_MANAGER}-handover`;

/** The API server refuses a request, or the object belongs to another owner. */
export class FleetError extends Error {
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.details = details;
  }
}

export interface FleetWriterOptions {
  readonly client: ApiClient;
  readonly live: LiveFleets;
  readonly settings: FleetSettings;
  readonly authority: AuthoritySource;
  readonly gatewayUid: (gateway: string) => string;
  readonly leads: () => boolean;
  readonly log: Log;
}

export class FleetWriter {
  readonly #options: FleetWriterOptions;
  readonly #writes = new OwnWrites<LiveObject>();
  /** By object id: its state right after the apply, if the API server normalises a value (1000m becomes 1). */
  readonly #settled = new Map<string, string>();

  constructor(options: FleetWriterOptions) {
    this.#options = options;
  }

  /** Creates and updates all objects of a fleet. Rejects with a FleetError at the first failure. */
  async bring(fleet: DesiredFleet, parameters: GatewayParametersSpec): Promise<void> {
    const desired = manifests(fleet, parameters, this.#options.settings);
    await this.#removeOthers(fleet, [...desired.map(refOf), credentialsRef(fleet)]);
    await this.#bringCredentials(fleet);
    const replicas = parameters.autoscaling === undefined ? null : minReplicas(parameters.autoscaling);
    for (const manifest of desired) await this.#bringOne(fleet, manifest, replicas);
  }

  /** Removes the objects of a Gateway that still exists but needs no fleet any more. */
  async takeAway(gateway: string): Promise<void> {
    const uid = this.#options.gatewayUid(gateway);
    for (const live of this.#options.live.of(gateway)) if (live.ownerUid === uid) await this.#remove(live);
  }

  async #removeOthers(fleet: DesiredFleet, desired: readonly FleetObjectRef[]): Promise<void> {
    const ids = new Set(desired.map(objectId));
    for (const live of this.#options.live.of(fleet.gateway)) {
      if (live.ownerUid === fleet.uid && !ids.has(objectId(live.ref))) await this.#remove(live);
    }
  }

  async #bringCredentials(fleet: DesiredFleet): Promise<void> {
    const { settings } = this.#options;
    const authority = await this.#options.authority.current().catch((error: unknown) => {
      throw new FleetError(`cannot issue certificates for proxies: ${(error as Error).message}`);
    });
    const ref = credentialsRef(fleet);
    const live = this.#liveOf(ref);
    const asIs = withHash(withoutData(credentials(fleet, settings, NO_CREDENTIALS)));
    if (live !== undefined && live.ownerUid === fleet.uid && holds(live.object, asIs) && this.#areFresh(fleet, live, authority)) return;
    const times = { now: Date.now(), lifetime: settings.certificateLifetime };
    const { metadata: _metadata, ...secret } = credentials(fleet, settings, issueCredentials(fleet, authority, times));
    await this.#claim(fleet, ref, live);
    await this.#apply(ref, live, { ...secret, metadata: asIs.metadata });
    this.#options.log.info({ gateway: fleet.gateway, secret: ref.name }, 'issued credentials of a fleet');
  }

  #areFresh(fleet: DesiredFleet, live: LiveObject, authority: Parameters<typeof areFresh>[2]): boolean {
    const data = live.object['data'] as Readonly<Record<string, unknown>> | undefined;
    const decode = (value: unknown): string => Buffer.from(String(value ?? ''), 'base64').toString();
    const times = { now: Date.now(), lifetime: this.#options.settings.certificateLifetime };
    return areFresh(fleet, { ca: decode(data?.['ca.crt']), certificate: decode(data?.['tls.crt']) }, authority, times);
  }

  /** `scaledFrom`: the first number of replicas if an autoscaler controls it; null if the manifest does. */
  async #bringOne(fleet: DesiredFleet, bare: Manifest, scaledFrom: number | null): Promise<void> {
    const manifest = withHash(bare);
    const ref = refOf(manifest);
    const live = this.#liveOf(ref);
    if (live?.ownerUid === fleet.uid && this.#isAsWanted(live, manifest)) return;
    const found = await this.#claim(fleet, ref, live);
    if (scaledFrom !== null && found?.ownsReplicas === true) await this.#handOver(found);
    const begins = ref.kind === 'Deployment' && scaledFrom !== null && found === null;
    await this.#apply(ref, live, begins ? { ...manifest, spec: { ...manifest.spec, replicas: scaledFrom } } : manifest);
    this.#settle(ref, manifest);
  }

  #settle(ref: FleetObjectRef, manifest: Manifest): void {
    const after = this.#liveOf(ref);
    if (after !== undefined && !holds(after.object, manifest)) this.#settled.set(objectId(ref), imageOf(after, manifest));
    else this.#settled.delete(objectId(ref));
  }

  #isAsWanted(live: LiveObject, manifest: Manifest): boolean {
    return holds(live.object, manifest) || this.#settled.get(objectId(live.ref)) === imageOf(live, manifest);
  }

  /** The existing object, or null. Rejects if it does not belong to the Gateway: Weir takes over no objects of others. */
  async #claim(fleet: DesiredFleet, ref: FleetObjectRef, live: LiveObject | undefined): Promise<LiveObject | null> {
    const found = live ?? (await this.#read(ref));
    if (found === null || found.ownerUid === fleet.uid) return found;
    const reason =
      found.gateway === fleet.gateway ? 'belongs to a deleted Gateway of the same name' : 'exists, but does not belong to the Gateway';
    throw new FleetError(`${objectId(ref)} ${reason}`);
  }

  async #handOver(live: LiveObject): Promise<void> {
    const { apiVersion } = FLEET_KINDS[live.ref.kind];
    const { replicas } = (live.object['spec'] ?? {}) as { readonly replicas?: unknown };
    const { namespace, name } = live.ref;
    const body = { apiVersion, kind: live.ref.kind, metadata: { namespace, name }, spec: { replicas } };
    this.#expect(live.ref, 'patch', await this.#patch(live.ref, body, HANDOVER_MANAGER));
  }

  async #apply(ref: FleetObjectRef, live: LiveObject | undefined, body: object): Promise<void> {
    const reply = await this.#patch(ref, body, FIELD_MANAGER);
    this.#expect(ref, 'patch', reply);
    this.#writes.wrote(objectId(ref), liveObject(ref, reply.body as RawObject), this.#options.live.get(ref));
    this.#options.log.info({ object: objectId(ref), made: live === undefined }, 'applied an object of a fleet');
  }

  #patch(ref: FleetObjectRef, body: object, manager: string): Promise<ApiReply> {
    this.#mustLead();
    const path = `${fleetObjectPath(ref)}?fieldManager=${manager}&force=true`;
    return this.#options.client.call({ method: 'PATCH', path, body, contentType: 'application/apply-patch+yaml' });
  }

  async #remove({ ref, uid }: LiveObject): Promise<void> {
    this.#mustLead();
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid }, propagationPolicy: 'Background' };
    const reply = await this.#options.client.call({ method: 'DELETE', path: fleetObjectPath(ref), body });
    // Another object of the name exists; the watch reports it.
    if (reply.status !== 404 && reply.status !== 409) this.#expect(ref, 'delete', reply);
    this.#options.log.info({ object: objectId(ref) }, 'removed an object of a fleet');
  }

  async #read(ref: FleetObjectRef): Promise<LiveObject | null> {
    const reply = await this.#options.client.call({ method: 'GET', path: fleetObjectPath(ref) });
    if (reply.status === 404) return null;
    this.#expect(ref, 'get', reply);
    return liveObject(ref, reply.body as RawObject);
  }

  /** Checked before every write, since the process may have been suspended. */
  #mustLead(): void {
    if (!this.#options.leads()) throw new FleetError('another controller leads now');
  }

  #expect(ref: FleetObjectRef, verb: string, { status, body }: ApiReply): void {
    if (status >= 200 && status <= 299) return;
    const { apiVersion, plural } = FLEET_KINDS[ref.kind];
    const rule = { apiGroups: [groupOf(apiVersion)], resources: [plural], verbs: [verb] };
    throw new FleetError(
      `${objectId(ref)}: ${messageOf(body) ?? `the API server answered ${status}`}`,
      status === 403 ? { lackingRule: rule } : {},
    );
  }

  #liveOf(ref: FleetObjectRef): LiveObject | undefined {
    return this.#writes.latest(objectId(ref), this.#options.live.get(ref));
  }
}

const NO_CREDENTIALS = { ca: '', certificate: '', privateKey: '' };

function withHash(manifest: Manifest): Manifest {
  const hash = contentHash(JSON.stringify(manifest));
  return { ...manifest, metadata: { ...manifest.metadata, annotations: { ...manifest.metadata.annotations, [APPLIED]: hash } } };
}

function withoutData({ data: _data, ...manifest }: Manifest): Manifest {
  return manifest;
}

function imageOf(live: LiveObject, manifest: Manifest): string {
  return contentHash(JSON.stringify([manifest, project(live.object, manifest)]));
}

function refOf({ kind, metadata: { namespace, name } }: Manifest): FleetObjectRef {
  return { kind: kind as FleetKindName, namespace, name };
}

function credentialsRef(fleet: DesiredFleet): FleetObjectRef {
  return { kind: 'Secret', namespace: nameOf(fleet).namespace, name: credentialsName(fleet) };
}
