// How many resources of each scope need a name.

/** Nearly every name is in one scope only. A Map for each name would use most of the memory of a large configuration. */
interface OneScope<S> {
  readonly scope: S;
  count: number;
}

/** Counts by name and scope. */
export class NeedCounts<S extends object> {
  readonly #counts = new Map<string, OneScope<S> | Map<S, number>>();

  /** Adds one; true if it is the first. */
  add(name: string, scope: S): boolean {
    const counts = this.#counts.get(name);
    if (counts instanceof Map) return addTo(counts, scope);
    if (counts?.scope === scope) {
      counts.count++;
      return false;
    }
    this.#counts.set(name, counts === undefined ? { scope, count: 1 } : new Map([...entriesOf(counts), [scope, 1]]));
    return true;
  }

  /** Removes one; true if it was the last. The count must not be 0. */
  remove(name: string, scope: S): boolean {
    const counts = this.#counts.get(name);
    if (counts instanceof Map) return this.#removeFrom(counts, name, scope);
    if (counts === undefined || --counts.count > 0) return false;
    this.#counts.delete(name);
    return true;
  }

  /** Whether a scope needs a name. */
  has(name: string, scope: S): boolean {
    const counts = this.#counts.get(name);
    return counts instanceof Map ? counts.has(scope) : counts?.scope === scope;
  }

  /** Whether a scope needs one of the names. */
  hasAny(names: readonly string[], scope: S): boolean {
    return names.some((name) => this.has(name, scope));
  }

  /** The scopes that need one of the names. */
  scopesOf(names: readonly string[]): ReadonlySet<S> {
    const scopes = new Set<S>();
    for (const name of names) for (const [scope] of entriesOf(this.#counts.get(name))) scopes.add(scope);
    return scopes;
  }

  /** Replaces the counts of a scope, which must not have new names. Returns the names that are left out. */
  replace(scope: S, counts: ReadonlyMap<string, number>): readonly string[] {
    const gone: string[] = [];
    for (const [name, known] of this.#counts) {
      if (!this.has(name, scope)) continue;
      const count = counts.get(name) ?? 0;
      if (count === 0) gone.push(name);
      else if (known instanceof Map) known.set(scope, count);
      else known.count = count;
    }
    for (const name of gone) this.#drop(name, scope);
    return gone;
  }

  #drop(name: string, scope: S): void {
    const counts = this.#counts.get(name);
    if (counts instanceof Map && counts.size > 1) counts.delete(scope);
    else this.#counts.delete(name);
  }

  #removeFrom(counts: Map<S, number>, name: string, scope: S): boolean {
    const count = counts.get(scope) ?? 0;
    if (count > 1) counts.set(scope, count - 1);
    else counts.delete(scope);
    if (counts.size === 0) this.#counts.delete(name);
    return count === 1;
  }
}

function addTo<S>(counts: Map<S, number>, scope: S): boolean {
  const count = counts.get(scope) ?? 0;
  counts.set(scope, count + 1);
  return count === 0;
}

function entriesOf<S>(counts: OneScope<S> | Map<S, number> | undefined): Iterable<[S, number]> {
  if (counts instanceof Map) return counts;
  return counts === undefined ? [] : [[counts.scope, counts.count]];
}
