// The consumers of a proxy. A revocation is a change of one resource: the next lookup sees it, and watchers of open streams are told.
import type * as ir from '#api/ir/ir.ts';
import type { Consumers, ConsumersOf, FoundConsumer } from '../exchange/consumers.ts';
import { ConsumerEntries, entriesOf, foundOf, refusalOf, type Entry } from './consumer-entries.ts';
import { Expiries } from './expiries.ts';

/** A stream that was let through by a credential. */
interface Watch {
  readonly entry: Entry;
  /** The groups and the plan that the listener knows. */
  rights: string;
  readonly listener: (now: FoundConsumer | null) => void;
}

/** A consumer and its entries. */
interface Known {
  readonly resource: ir.Consumer;
  readonly entries: readonly Entry[];
}

export class ConsumerIndex implements Consumers {
  readonly #now: () => number;
  readonly #namespaces = new Map<string, ConsumerEntries>();
  /** By key of the resource. */
  readonly #known = new Map<string, Known>();
  readonly #watches = new Map<string, Set<Watch>>();
  readonly #expiries: Expiries;

  /** `now`: milliseconds since the epoch; for tests. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#expiries = new Expiries(now, (keys) => keys.forEach((key) => this.#tell(key)));
  }

  /** Adds or replaces a consumer. */
  set(sent: ir.Consumer): void {
    const resource = withKeptValues(sent, this.#known.get(sent.key)?.resource);
    this.#replace(sent.key, { resource, entries: entriesOf(resource) });
  }

  /** Removes a consumer. */
  remove(key: string): void {
    this.#replace(key, null);
  }

  of(namespace: string): ConsumersOf {
    return this.#namespace(namespace);
  }

  watch({ consumer, credential }: FoundConsumer, listener: (now: FoundConsumer | null) => void): () => void {
    const key = `${consumer.namespace}/${consumer.name}`;
    const watch: Watch = { entry: credential as Entry, rights: rightsOf(consumer), listener };
    this.#watches.set(key, (this.#watches.get(key) ?? new Set()).add(watch));
    return () => this.#unwatch(key, watch);
  }

  /** Ends the timer. */
  close(): void {
    this.#expiries.close();
  }

  #replace(key: string, after: Known | null): void {
    const entries = this.#namespace(key.slice(0, key.indexOf('/')));
    for (const entry of this.#known.get(key)?.entries ?? []) entries.remove(entry);
    for (const entry of after?.entries ?? []) entries.add(entry);
    if (after === null) this.#known.delete(key);
    else this.#known.set(key, after);
    this.#expiries.set(
      key,
      (after?.entries ?? []).map((entry) => entry.expires),
    );
    this.#tell(key);
  }

  #unwatch(key: string, watch: Watch): void {
    const watches = this.#watches.get(key);
    watches?.delete(watch);
    if (watches?.size === 0) this.#watches.delete(key);
  }

  /** Tells the watchers of a consumer about a change that concerns them. */
  #tell(key: string): void {
    for (const watch of [...(this.#watches.get(key) ?? [])]) {
      const now = this.#present(key, watch.entry);
      if (now === null) {
        this.#unwatch(key, watch);
        watch.listener(null);
      } else if (rightsOf(now.consumer) !== watch.rights) {
        watch.rights = rightsOf(now.consumer);
        watch.listener(now);
      }
    }
  }

  /** The same credential now; null if it is not valid any more. */
  #present(key: string, { identity, value }: Entry): FoundConsumer | null {
    const now = this.#now();
    const isSame = (entry: Entry) => entry.identity === identity && entry.value === value && refusalOf(entry, now) === null;
    const same = this.#known.get(key)?.entries.find(isSame);
    return same === undefined ? null : foundOf(same, now);
  }

  /** Filters keep the object of a namespace, so it stays when its last consumer goes. */
  #namespace(name: string): ConsumerEntries {
    const known = this.#namespaces.get(name) ?? new ConsumerEntries(this.#now);
    this.#namespaces.set(name, known);
    return known;
  }
}

function rightsOf({ groups, plan }: FoundConsumer['consumer']): string {
  return JSON.stringify([groups, plan]);
}

/** The controller sends '' for a value whose Secret it cannot read; then the former value of the same source stays. */
function withKeptValues(sent: ir.Consumer, before: ir.Consumer | undefined): ir.Consumer {
  if (before === undefined) return sent;
  return { ...sent, credentials: sent.credentials.map((credential) => withKeptValue(credential, before.credentials)) };
}

function withKeptValue(credential: ir.ConsumerCredential, before: readonly ir.ConsumerCredential[]): ir.ConsumerCredential {
  const field = valueField(credential);
  if (field === null || Reflect.get(credential, field) !== '') return credential;
  const isSame = (other: ir.ConsumerCredential) => other.type === credential.type && sourceOf(other) === sourceOf(credential);
  const former = before.find(isSame);
  return former === undefined ? credential : { ...credential, [field]: Reflect.get(former, field) as string };
}

/** The field of the value that comes from a Secret; null if there is none. */
function valueField({ type }: ir.ConsumerCredential): 'digest' | 'hash' | 'secret' | null {
  if (type === 'ApiKey') return 'digest';
  if (type === 'Basic') return 'hash';
  return type === 'Hmac' ? 'secret' : null;
}

function sourceOf(credential: ir.ConsumerCredential): string {
  return 'source' in credential ? credential.source : '';
}
