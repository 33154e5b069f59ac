// Scopes: who may read what. Takes what compile yields and gives every fleet of proxies the part of it that is theirs, in a push
// cache of its own: the listeners of the Gateways they serve, and whatever those lead to (references.ts).
//
// Names are counted: in each scope, how many of its resources need a name. A resource is in a scope as long as the scope needs one of
// its names. So a change costs what it touches, in the scopes that it concerns, however many others there are.
import type { EncodedResource } from '#api/ir/ir.ts';
import { resourceId } from '#api/ir/ir.ts';
import type { ResourceName } from '#api/wire/encode.ts';
import { UNGUARDED } from '#lib/faults.ts';
import type { Guard } from '#lib/faults.ts';
import { FleetScopes } from '../compile/fleet-scopes.ts';
import type { FleetDelta } from '../compile/fleet-scopes.ts';
import { PushCache } from './cache.ts';
import type { ResourceDelta } from './cache.ts';
import { gatewayName, gatewayOfName, referencesOf, restrict } from './references.ts';
import type { References } from './references.ts';
import { NeedCounts } from './need-counts.ts';

/** What compile makes of a batch. */
export type ScopedDelta = ResourceDelta & FleetDelta;

/** A resource with what it says of others. */
interface Node extends References {
  readonly id: string;
  /** Another one as long as it says the same of others. */
  resource: EncodedResource;
}

/** What one fleet may read. */
class Scope {
  readonly cache = new PushCache();
  /** Ids of resources that are to be looked at when the batch is taken in. */
  readonly touched = new Set<string>();

  /** Nothing is in it, and nobody reads it. */
  get isIdle(): boolean {
    return this.cache.size === 0 && this.touched.size === 0 && !this.cache.isWatched;
  }
}

/** Where the listeners of a Gateway are, and how many there are. */
interface Anchor {
  scope: Scope;
  listeners: number;
}

const NOTHING: References = { names: [], needs: [] };

export class Scopes {
  readonly #fleets = new FleetScopes();
  readonly #scopes = new Map<string, Scope>();
  /** Scopes with something to look at. */
  readonly #touched = new Set<Scope>();
  /** By id. */
  readonly #nodes = new Map<string, Node>();
  /** By name, those that have it, by id. */
  readonly #named = new Map<string, Map<string, Node>>();
  readonly #needed = new NeedCounts<Scope>();
  /** By name of a Gateway that has listeners. */
  readonly #anchors = new Map<string, Anchor>();
  readonly #guard: Guard;
  #ready = false;

  constructor(guard: Guard = UNGUARDED) {
    this.#guard = guard;
  }

  /** What a scope holds. It is kept up to date as long as something is in it or somebody watches it. */
  cacheOf(scope: string): PushCache {
    return this.#scopeOf(scope).cache;
  }

  /**
   * Takes a delta and hands every scope that it concerns its part. Answers the resources that a bug keeps out: proxies have the versions
   * before of these.
   */
  apply({ changed, removed, fleets, fleetsGone }: ScopedDelta): Pick<ScopedDelta, 'changed'> {
    for (const gateway of this.#fleets.apply({ fleets, fleetsGone })) this.#move(gateway);
    const left = changed.filter((resource) => !this.#guard.guard('scopes', () => this.#put(resource, resource), nameOf(resource)));
    for (const name of removed) this.#put(name, null);
    const concerned = this.#ready ? [...this.#touched] : [...this.#scopes.values()];
    this.#ready = true;
    this.#touched.clear();
    for (const scope of concerned) this.#flush(scope);
    return { changed: left };
  }

  #scopeOf(name: string): Scope {
    const known = this.#scopes.get(name);
    if (known !== undefined) return known;
    for (const [other, scope] of this.#scopes) if (scope.isIdle) this.#scopes.delete(other);
    const scope = new Scope();
    if (this.#ready) scope.cache.apply({ changed: [], removed: [] });
    this.#scopes.set(name, scope);
    return scope;
  }

  /** Its listeners go to another scope, and what they alone lead to goes with them. */
  #move(gateway: string): void {
    const name = gatewayName(gateway);
    const anchor = this.#anchors.get(name);
    if (anchor === undefined) return;
    const { scope: before } = anchor;
    anchor.scope = this.#scopeOf(this.#fleets.scopeOf(gateway));
    this.#need(name, anchor.scope);
    this.#release(name, before);
  }

  /** Puts a resource in the place of what has its id, or (null) takes it away. */
  #put({ kind, key }: ResourceName, resource: EncodedResource | null): void {
    const id = resourceId(kind, key);
    const before = this.#nodes.get(id) ?? null;
    const after = resource === null ? null : { id, resource, ...referencesOf(resource) };
    if (before !== null && after !== null && areSame(before, after)) return this.#renew(before, after.resource);
    if (kind === 'Listener') after?.names.forEach((name) => this.#anchor(name));
    this.#exchange(id, before, after);
    if (kind === 'Listener') before?.names.forEach((name) => this.#unanchor(name));
  }

  /** Puts one node in the place of another; null for none. */
  #exchange(id: string, before: Node | null, after: Node | null): void {
    for (const name of before?.names ?? []) this.#unname(name, id);
    if (after === null) this.#nodes.delete(id);
    else this.#setNode(after);
    const old: References = before ?? NOTHING;
    const now: References = after ?? NOTHING;
    for (const scope of this.#needed.scopesOf([...old.names, ...now.names])) this.#replace(scope, id, old, now);
  }

  /** What most changes are: others are as little concerned as before. */
  #renew(node: Node, resource: EncodedResource): void {
    node.resource = resource;
    for (const scope of this.#needed.scopesOf(node.names)) this.#touch(scope, node.id);
  }

  /** Adds new needs before it releases old ones: a name that stays is never released in between. */
  #replace(scope: Scope, id: string, before: References, after: References): void {
    this.#touch(scope, id);
    if (this.#needed.hasAny(after.names, scope)) for (const name of after.needs) this.#need(name, scope);
    if (this.#needed.hasAny(before.names, scope)) for (const name of before.needs) this.#release(name, scope);
  }

  #anchor(name: string): void {
    const known = this.#anchors.get(name);
    if (known !== undefined) {
      known.listeners++;
      return;
    }
    const scope = this.#scopeOf(this.#fleets.scopeOf(gatewayOfName(name)));
    this.#anchors.set(name, { scope, listeners: 1 });
    this.#need(name, scope);
  }

  #unanchor(name: string): void {
    const anchor = this.#anchors.get(name);
    if (anchor === undefined || --anchor.listeners > 0) return;
    this.#anchors.delete(name);
    this.#release(name, anchor.scope);
  }

  #need(name: string, scope: Scope): void {
    if (!this.#needed.add(name, scope)) return;
    for (const { id, names, needs } of this.#having(name)) {
      this.#touch(scope, id);
      const others = names.filter((other) => other !== name);
      if (!this.#needed.hasAny(others, scope)) for (const other of needs) this.#need(other, scope);
    }
  }

  #release(name: string, scope: Scope): void {
    if (!this.#needed.remove(name, scope)) return;
    for (const { id, names, needs } of this.#having(name)) {
      this.#touch(scope, id);
      if (!this.#needed.hasAny(names, scope)) for (const other of needs) this.#release(other, scope);
    }
  }

  /** The resources that have a name. */
  #having(name: string): Iterable<Node> {
    return this.#named.get(name)?.values() ?? [];
  }

  #setNode(node: Node): void {
    this.#nodes.set(node.id, node);
    for (const name of node.names) {
      const others = this.#named.get(name);
      if (others === undefined) this.#named.set(name, new Map([[node.id, node]]));
      else others.set(node.id, node);
    }
  }

  #unname(name: string, id: string): void {
    const nodes = this.#named.get(name);
    nodes?.delete(id);
    if (nodes?.size === 0) this.#named.delete(name);
  }

  #touch(scope: Scope, id: string): void {
    scope.touched.add(id);
    this.#touched.add(scope);
  }

  #flush(scope: Scope): void {
    const { cache, touched } = scope;
    const changed: EncodedResource[] = [];
    const removed: ResourceName[] = [];
    for (const id of touched) {
      const before = cache.get(id);
      const after = this.#visible(id, scope);
      if (after !== null && after.version !== before?.version) changed.push(after);
      if (after === null && before !== undefined) removed.push({ kind: before.kind, key: before.key });
    }
    touched.clear();
    if (!cache.ready || changed.length > 0 || removed.length > 0) cache.apply({ changed, removed });
  }

  /** A resource as a scope may see it; null where it may not. */
  #visible(id: string, scope: Scope): EncodedResource | null {
    const node = this.#nodes.get(id);
    if (node === undefined) return null;
    const { names, resource } = node;
    const isVisible = (name: string): boolean => this.#needed.has(name, scope);
    if (names.every(isVisible)) return names.length === 0 ? null : resource;
    return names.some(isVisible) ? restrict(resource, isVisible) : null;
  }
}

function nameOf({ kind, key }: ResourceName): ResourceName {
  return { kind, key };
}

/** Whether both say the same in the same order, as what a resource says mostly is from one version to the next. */
function areSame(a: References, b: References): boolean {
  return areEqual(a.names, b.names) && areEqual(a.needs, b.needs);
}

function areEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}
