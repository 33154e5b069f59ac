// The stream of one proxy as a state machine; independent of gRPC.
//
//     greeting ──hello, last inventory──> waiting ──cache ready──> syncing ──outbox first empty: complete──> live
//        └────────────┴──────────────────────┴────────────────────────┴──────────stream ends────────────────> closed
//
// The sync compares the cache with the inventory of the proxy; after that, each delta of the cache costs only what it changes:
//
//     delta ──> outbox (one entry per resource, the latest) ──window open──> in flight (nonce) ──ack──> served
//                                                                                  └──────────error──> nacked, serves what it had
import type { EncodedResource, ResourceKind } from '#api/ir/ir.ts';
import { resourceId } from '#api/ir/ir.ts';
import { isResourceKind } from '#api/wire/decode.ts';
import { encodePush } from '#api/wire/encode.ts';
import type { ResourceName } from '#api/wire/encode.ts';
import { MAX_HELD, MAX_RESOURCE_BYTES, PUSH_BYTES, PUSH_RESOURCES } from '#api/wire/limits.ts';
import type { AckMessage, ErrorMessage, HelloMessage, InventoryMessage, ProxyMessage, PushMessage } from '#api/wire/messages.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { adapterFor, versionInFull } from './adapt.ts';
import type { Adapter } from './adapt.ts';
import type { PushCache, ResourceDelta } from './cache.ts';
import type { Nack, NackError, PushObserver, SessionState } from './observer.ts';
import { Outbox } from './order.ts';
import type { StepLimits } from './order.ts';

/** Bounds of a session; tests use small ones. */
export interface SessionLimits {
  readonly step: StepLimits;
  /** Number of pushes without an ack. Further changes wait in the outbox, one entry per resource. */
  readonly inFlight: number;
}

export const SESSION_LIMITS: SessionLimits = { step: { bytes: PUSH_BYTES, resources: PUSH_RESOURCES }, inFlight: 4 };

/** Why the controller ends a stream. */
export type SessionError = { readonly code: 'invalid' | 'denied' | 'exhausted' | 'bug'; readonly message: string };

/** The parts that a session needs. */
export interface SessionOptions {
  readonly id: string;
  readonly identity: string | null;
  readonly address: string;
  /** The resources that the proxy may read. */
  readonly scope: string;
  /** The push cache of a scope. Called once after the inventory; the session watches the cache from then on. */
  readonly cacheOf: (scope: string) => PushCache;
  readonly observer: PushObserver;
  readonly limits: SessionLimits;
  /** Writes a push to the stream. */
  readonly send: (push: PushMessage) => void;
  /** Ends the stream after a bug in this session. The proxy reconnects and gets the changes it lacks. */
  readonly failed: (error: unknown) => void;
}

/** A resource in flight, and the version that the proxy serves until its ack. */
interface Sent {
  readonly resource: EncodedResource;
  readonly before: string | null;
}

/** A version of a resource. */
type Served = ResourceName & { readonly version: string };

interface InFlight {
  readonly nonce: number;
  /** Milliseconds since the epoch. */
  readonly sentAt: number;
  readonly sent: readonly Sent[];
}

const DONE = ok(null);

export class Session {
  readonly #options: SessionOptions;
  readonly #since = Date.now();
  readonly #outbox = new Outbox();
  /** By id: the version last sent, or held at the connect. '' for a resource that the proxy held but refused. */
  readonly #sent = new Map<string, string>();
  readonly #nacks = new Map<string, Nack>();
  readonly #inFlight: InFlight[] = [];
  #phase: SessionState['phase'] = 'greeting';
  #hello: HelloMessage | null = null;
  /** The adapter for the release of the proxy. */
  #adapter: Adapter = adapterFor([]);
  #nonce = 0;
  #ackedNonce = 0;
  /** Null before the inventory is complete. */
  #cache: PushCache | null = null;
  #unwatch: (() => void) | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Handles a message of the proxy. After an error the caller must end the stream: the proxy broke the protocol or a limit. */
  receive(message: ProxyMessage): Result<null, SessionError> {
    if (this.#phase === 'closed') return DONE;
    switch (message.message) {
      case 'hello':
        return this.#greet(message.hello);
      case 'inventory':
        return this.#takeInventory(message.inventory);
      case 'ack':
        return this.#takeAck(message.ack);
      case undefined:
        return invalid('a message without content');
    }
  }

  /** Called when the stream has ended. */
  close(): void {
    if (this.#phase === 'closed') return;
    const wasConnected = this.#unwatch !== null;
    this.#phase = 'closed';
    this.#unwatch?.();
    if (wasConnected) this.#options.observer.disconnected(this.#options.id);
  }

  /** The version of a resource that the proxy serves, according to its acks; null for none. */
  serves(kind: ResourceKind, key: string): string | null {
    const id = resourceId(kind, key);
    const flying = this.#inFlight.flatMap(({ sent }) => sent).find(({ resource }) => resourceId(resource.kind, resource.key) === id);
    if (flying !== undefined) return flying.before;
    return this.#serving({ kind, key });
  }

  state(): SessionState {
    const { id, identity, address, scope } = this.#options;
    const { nodeId = '', weirVersion = '', capabilities = [] } = this.#hello ?? {};
    return {
      ...{ id, nodeId, weirVersion, capabilities, scope, identity, address },
      since: this.#since,
      phase: this.#phase,
      resources: this.#sent.size,
      waiting: this.#outbox.size,
      sentNonce: this.#nonce,
      ackedNonce: this.#ackedNonce,
      unackedSince: this.#inFlight[0]?.sentAt ?? null,
      nacks: [...this.#nacks.values()],
    };
  }

  #greet(hello: HelloMessage): Result<null, SessionError> {
    if (this.#hello !== null) return invalid('a second hello');
    this.#hello = hello;
    this.#adapter = adapterFor(hello.capabilities ?? []);
    return DONE;
  }

  #takeInventory({ held, last }: InventoryMessage): Result<null, SessionError> {
    if (this.#hello === null || this.#phase !== 'greeting') return invalid('an inventory out of order');
    if (this.#sent.size + held.length > MAX_HELD) return err({ code: 'exhausted', message: `more than ${MAX_HELD} resources held` });
    for (const { kind, key, version } of held) {
      if (isResourceKind(kind)) this.#sent.set(resourceId(kind, key), version);
    }
    if (last) this.#connect();
    return DONE;
  }

  #connect(): void {
    const { id, scope, cacheOf, observer } = this.#options;
    const cache = cacheOf(scope);
    this.#cache = cache;
    this.#unwatch = cache.watch((delta) => this.#take(cache, delta));
    this.#phase = 'waiting';
    observer.connected(id, scope);
    if (cache.ready) this.#sync(cache);
  }

  /** Compares all resources with the inventory of the proxy. No other step looks at all of them. */
  #sync(cache: PushCache): void {
    for (const id of this.#sent.keys()) {
      if (cache.get(id) === undefined) this.#outbox.remove(nameOf(id));
    }
    for (const resource of cache.resources()) {
      const adapted = this.#adapter.adapt(resource);
      const isHeld = adapted.type === 'send' && this.#sent.get(resourceId(resource.kind, resource.key)) === adapted.resource.version;
      if (isHeld) this.#ack(adapted.resource);
      else this.#offer(resource);
    }
    this.#phase = 'syncing';
    this.#pump();
  }

  /** Handles a delta of the cache. */
  #take(cache: PushCache, delta: ResourceDelta): void {
    try {
      this.#changed(cache, delta);
    } catch (error) {
      this.#options.failed(error);
    }
  }

  #changed(cache: PushCache, { changed, removed }: ResourceDelta): void {
    if (this.#phase === 'waiting') return this.#sync(cache);
    for (const resource of changed) this.#offer(resource);
    for (const name of removed) this.#withdraw(name);
    this.#pump();
  }

  #withdraw(name: ResourceName): void {
    const id = resourceId(name.kind, name.key);
    if (this.#sent.has(id)) return this.#outbox.remove(name);
    this.#outbox.forget(name);
    this.#nacks.delete(id);
  }

  #offer(whole: EncodedResource): void {
    const adapted = this.#adapter.adapt(whole);
    if (adapted.type === 'remove') return this.#withdraw(whole);
    if (adapted.type === 'withhold') return this.#withhold(whole, adapted.errors);
    const { resource } = adapted;
    const sent = this.#sent.get(resourceId(resource.kind, resource.key));
    // The proxy has endpoints of another controller, or from before a restart: they are better than none.
    if (whole.isProvisional === true && sent !== undefined) return this.#outbox.forget(resource);
    if (sent === resource.version) this.#keep(resource);
    else if (resource.body.length > MAX_RESOURCE_BYTES) this.#withhold(resource, [tooLarge(resource)]);
    else this.#outbox.change(resource);
  }

  /** The proxy was sent this version already. A nack of it is repeated, since the version in between replaced it in statuses. */
  #keep(resource: EncodedResource): void {
    this.#outbox.forget(resource);
    const nack = this.#nacks.get(resourceId(resource.kind, resource.key));
    if (nack?.version === resource.version) this.#nack(resource, nack.errors, nack.serves);
    else if (this.#lacksOf(resource).length > 0) this.#ack(resource);
  }

  /** Reports a nack without sending the resource, so that the status of the object tells its owner. */
  #withhold(resource: EncodedResource, errors: readonly NackError[]): void {
    this.#outbox.forget(resource);
    this.#nack(resource, errors, this.serves(resource.kind, resource.key));
  }

  /** Sends changes from the outbox while the window is open. */
  #pump(): void {
    const { limits } = this.#options;
    while (this.#inFlight.length < limits.inFlight && (!this.#outbox.isEmpty || this.#phase === 'syncing')) {
      const { changed, removed } = this.#outbox.take(limits.step);
      const complete = this.#phase === 'syncing' && this.#outbox.isEmpty;
      if (complete) this.#phase = 'live';
      const sent = changed.map((resource) => ({ resource, before: this.#serving(resource) }));
      for (const { kind, key, version } of changed) this.#sent.set(resourceId(kind, key), version);
      for (const name of removed) this.#drop(name);
      this.#nonce++;
      this.#inFlight.push({ nonce: this.#nonce, sentAt: Date.now(), sent });
      this.#options.send(encodePush(this.#nonce, { changed, removed }, complete));
    }
  }

  /** The version that the proxy serves once all pushes in flight are acked. */
  #serving({ kind, key }: ResourceName): string | null {
    const id = resourceId(kind, key);
    const nack = this.#nacks.get(id);
    if (nack !== undefined) return nack.serves;
    const sent = this.#sent.get(id);
    return sent === undefined || sent === '' ? null : sent;
  }

  #drop({ kind, key }: ResourceName): void {
    const id = resourceId(kind, key);
    this.#sent.delete(id);
    this.#nacks.delete(id);
  }

  #takeAck({ nonce, errors, recovered }: AckMessage): Result<null, SessionError> {
    const push = this.#inFlight[0];
    if (push?.nonce !== nonce) return invalid(`an ack of nonce ${nonce}, expected ${push?.nonce ?? 'none'}`);
    this.#inFlight.shift();
    this.#ackedNonce = nonce;
    const refused = Map.groupBy(errors.filter(isOfKnownKind), ({ kind, key }) => resourceId(kind, key));
    for (const { kind, key, version } of recovered) {
      if (isResourceKind(kind) && this.#isItsOwn({ kind, key })) this.#ack({ kind, key, version });
    }
    for (const sent of push.sent) this.#settle(sent, refused);
    // A push can break a resource of an earlier push: a new certificate can break its listener.
    for (const own of refused.values()) this.#nackEarlier(own);
    this.#pump();
    return DONE;
  }

  #settle({ resource, before }: Sent, refused: Map<string, readonly NackError[]>): void {
    const id = resourceId(resource.kind, resource.key);
    const errors = refused.get(id);
    refused.delete(id);
    // Removed while in flight: the outcome is of no use, and no later version would clear the nack.
    if (!this.#sent.has(id)) return;
    // The proxy may have refused an earlier version in flight meanwhile.
    const earlier = this.#nacks.get(id);
    if (errors === undefined) this.#ack(resource);
    else this.#nack(resource, errors, earlier === undefined ? before : earlier.serves);
  }

  #ack(served: Served): void {
    const { kind, key } = served;
    const { id, observer } = this.#options;
    const version = versionInFull(served.version);
    const errors = this.#lacksOf(served);
    this.#nacks.delete(resourceId(kind, key));
    if (errors.length === 0) observer.acked(id, kind, key, version);
    else observer.nacked(id, kind, key, { version, errors });
  }

  /** Errors about the fields that the sent form of a resource does not have; empty for other versions. */
  #lacksOf({ kind, key, version }: Served): readonly NackError[] {
    const whole = this.#cache?.get(resourceId(kind, key));
    const adapted = whole === undefined ? null : this.#adapter.adapt(whole);
    return adapted?.type === 'send' && adapted.resource.version === version ? adapted.lacks : [];
  }

  #nack({ kind, key, version }: Served, errors: readonly NackError[], serves: string | null): void {
    const plain = errors.map(({ field, reason }) => ({ field, reason }));
    this.#nacks.set(resourceId(kind, key), { kind, key, version, errors: plain, serves });
    this.#options.observer.nacked(this.#options.id, kind, key, { version: versionInFull(version), errors: plain });
  }

  #nackEarlier(errors: readonly (ErrorMessage & ResourceName)[]): void {
    const first = errors[0];
    if (first !== undefined && this.#isItsOwn(first)) this.#nack(first, errors, null);
  }

  /** Whether the proxy holds the resource and may read it. A proxy's claims about other resources are ignored. */
  #isItsOwn({ kind, key }: ResourceName): boolean {
    const id = resourceId(kind, key);
    return this.#sent.has(id) && this.#cache?.get(id) !== undefined;
  }
}

/** No message can hold a resource of this size. */
function tooLarge({ body }: EncodedResource): NackError {
  return { field: '', reason: `takes ${body.length} bytes, ${MAX_RESOURCE_BYTES} are allowed` };
}

function invalid(message: string): Result<never, SessionError> {
  return err({ code: 'invalid', message });
}

function isOfKnownKind(error: ErrorMessage): error is ErrorMessage & ResourceName {
  return isResourceKind(error.kind);
}

function nameOf(id: string): ResourceName {
  const bar = id.indexOf('|');
  return { kind: id.slice(0, bar) as ResourceKind, key: id.slice(bar + 1) };
}
