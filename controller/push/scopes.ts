// Scopes: the resources that each fleet of proxies may read. Splits compiled deltas into one push cache per fleet: the listeners of its
// Gateways, and the resources that they need (references.ts).
//
// Each scope counts how many of its resources need a name. It holds a resource while it needs one of its names. So a change costs only
// work in the scopes that it affects, however many scopes there are. Where resources may need each other in a circle (loops.ts), a scope
// counts anew from its Gateways.
import type { EncodedResource, References } from '#api/ir/ir.ts';
import { gatewayName, gatewayOfName, resourceId } from '#api/ir/ir.ts';
import type { ResourceName } from '#api/wire/encode.ts';
import { UNGUARDED } from '#lib/faults.ts';
import type { Guard } from '#lib/faults.ts';
import { FleetScopes } from '../compile/fleet-scopes.ts';
import type { FleetDelta } from '../compile/fleet-scopes.ts';
import { PushCache } from './cache.ts';
import type { ResourceDelta } from './cache.ts';
import { referencesOf, restrict } from './references.ts';
import { Loops } from './loops.ts';
import { NeedCounts } from './need-counts.ts';

/** A compiled delta. */
export type ScopedDelta = ResourceDelta & FleetDelta;

/** A resource with its references. */
interface Node extends References {
  readonly id: string;
  /** Replaced in place by a version with the same references. */
  resource: EncodedResource;
}

/** The resources of one fleet. */
class Scope {
  readonly cache = new PushCache();
  /** Ids of the resources to be checked at the end of the batch. */
  readonly touched = new Set<string>();

  /** The scope is empty and has no watchers. */
  get isIdle(): boolean {
    return this.cache.size === 0 && this.touched.size === 0 && !this.cache.isWatched;
  }
}

/** The scope of a Gateway's listeners, and their number. */
interface Anchor {
  scope: Scope;
  listeners: number;
}

const NOTHING: References = { names: [], needs: [] };

export class Scopes {
  readonly #fleets = new FleetScopes();
  readonly #scopes = new Map<string, Scope>();
  /** Scopes with resources to be checked. */
  readonly #touched = new Set<Scope>();
  /** By resource id. */
  readonly #nodes = new Map<string, Node>();
  /** By name: the nodes that have it, by id. */
  readonly #named = new Map<string, Map<string, Node>>();
  readonly #needed = new NeedCounts<Scope>();
  readonly #loops = new Loops();
  /** Scopes in which resources may be left that only need each other. */
  readonly #suspects = new Set<Scope>();
  /** By the name of a Gateway that has listeners. */
  readonly #anchors = new Map<string, Anchor>();
  readonly #guard: Guard;
  #ready = false;

  constructor(guard: Guard = UNGUARDED) {
    this.#guard = guard;
  }

  /** The push cache of a scope. It is kept up to date while it has content or watchers. */
  cacheOf(scope: string): PushCache {
    return this.#scopeOf(scope).cache;
  }

  /**
   * Takes a delta and updates the scopes that it affects. Returns the changed resources that failed because of a bug; proxies keep their
   * previous versions.
   */
  apply({ changed, removed, fleets, fleetsGone }: ScopedDelta): Pick<ScopedDelta, 'changed'> {
    for (const gateway of this.#fleets.apply({ fleets, fleetsGone })) this.#move(gateway);
    const left = changed.filter((resource) => !this.#guard.guard('scopes', () => this.#put(resource, resource), nameOf(resource)));
    for (const name of removed) this.#put(name, null);
    for (const scope of this.#suspects) this.#recount(scope);
    this.#suspects.clear();
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

  /** Moves the listeners of a Gateway to another scope, with the resources that no other listener there needs. */
  #move(gateway: string): void {
    const name = gatewayName(gateway);
    const anchor = this.#anchors.get(name);
    if (anchor === undefined) return;
    const { scope: before } = anchor;
    anchor.scope = this.#scopeOf(this.#fleets.scopeOf(gateway));
    this.#need(name, anchor.scope);
    this.#release(name, before);
  }

  /** Replaces the resource with this id; null removes it. */
  #put({ kind, key }: ResourceName, resource: EncodedResource | null): void {
    const id = resourceId(kind, key);
    const before = this.#nodes.get(id) ?? null;
    const after = resource === null ? null : { id, resource, ...referencesOf(resource) };
    if (before !== null && after !== null && areSame(before, after)) return this.#renew(before, after.resource);
    if (kind === 'Listener') after?.names.forEach((name) => this.#anchor(name));
    this.#exchange(id, before, after);
    if (kind === 'Listener') before?.names.forEach((name) => this.#unanchor(name));
  }

  /** Replaces one node by another; null means none. */
  #exchange(id: string, before: Node | null, after: Node | null): void {
    this.#loops.add(after);
    for (const name of before?.names ?? []) this.#unname(name, id);
    if (after === null) this.#nodes.delete(id);
    else this.#setNode(after);
    const old: References = before ?? NOTHING;
    const now: References = after ?? NOTHING;
    for (const scope of this.#needed.scopesOf([...old.names, ...now.names])) this.#replace(scope, id, old, now);
    this.#loops.remove(before);
  }

  /** The usual case: the references are the same, so no other resource is affected. */
  #renew(node: Node, resource: EncodedResource): void {
    node.resource = resource;
    for (const scope of this.#needed.scopesOf(node.names)) this.#touch(scope, node.id);
  }

  /** Adds new needs before it releases old ones: a name that stays is never released in between. */
  #replace(scope: Scope, id: string, before: References, after: References): void {
    this.#touch(scope, id);
    // Before anything is added: a new need may lead back to a name of the resource.
    const [had, has] = [this.#needed.hasAny(before.names, scope), this.#needed.hasAny(after.names, scope)];
    if (has) for (const name of after.needs) this.#need(name, scope);
    if (had) for (const name of before.needs) this.#release(name, scope);
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
    const nodes = this.#touchAll(name, scope);
    // All of them before the first need is followed: it may lead to another name of one of them.
    const reached = nodes.filter(({ names }) => !names.some((other) => other !== name && this.#needed.has(other, scope)));
    for (const { needs } of reached) for (const other of needs) this.#need(other, scope);
  }

  #release(name: string, scope: Scope): void {
    // What still needs it, or what has other names too, may be needed by itself only.
    if (this.#loops.has(name)) this.#suspects.add(scope);
    if (!this.#needed.remove(name, scope)) return;
    const left = this.#touchAll(name, scope).filter(({ names }) => !this.#needed.hasAny(names, scope));
    for (const { needs } of left) for (const other of needs) this.#release(other, scope);
  }

  /** The nodes that have a name, to be checked. */
  #touchAll(name: string, scope: Scope): readonly Node[] {
    const nodes = [...this.#having(name)];
    for (const { id } of nodes) this.#touch(scope, id);
    return nodes;
  }

  /** Counts the needs of a scope anew, from its Gateways. */
  #recount(scope: Scope): void {
    const counts = new Map<string, number>();
    const reached = new Set<Node>();
    const open = [...this.#anchors].flatMap(([name, anchor]) => (anchor.scope === scope ? [name] : []));
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const count = counts.get(name) ?? 0;
      counts.set(name, count + 1);
      if (count > 0) continue;
      const found = [...this.#having(name)].filter((node) => !reached.has(node));
      for (const node of found) reached.add(node);
      for (const { needs } of found) for (const need of needs) open.push(need);
    }
    for (const name of this.#needed.replace(scope, counts)) for (const { id } of this.#having(name)) this.#touch(scope, id);
  }

  /** The nodes that have a name. */
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

  /** The resource in the form that the scope may read; null if the scope may not read it. */
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

/** Whether the references are equal, including their order. Most new versions have the same order. */
function areSame(a: References, b: References): boolean {
  return areEqual(a.names, b.names) && areEqual(a.needs, b.needs);
}

function areEqual(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}
