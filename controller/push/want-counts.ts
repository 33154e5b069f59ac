// How many resources of each scope want a name.

/** Counts by name and scope. */
export class WantCounts<S> {
  readonly #counts = new Map<string, Map<S, number>>();

  /** Counts one more; true when it is the first. */
  add(name: string, scope: S): boolean {
    const counts = this.#counts.get(name) ?? new Map<S, number>();
    const count = counts.get(scope) ?? 0;
    this.#counts.set(name, counts.set(scope, count + 1));
    return count === 0;
  }

  /** Counts one less; true when it was the last. There must be one. */
  remove(name: string, scope: S): boolean {
    const counts = this.#counts.get(name);
    const count = counts?.get(scope) ?? 0;
    if (count > 1) counts?.set(scope, count - 1);
    else counts?.delete(scope);
    if (counts?.size === 0) this.#counts.delete(name);
    return count === 1;
  }

  /** Whether any of the names is wanted in a scope. */
  hasAny(names: readonly string[], scope: S): boolean {
    return names.some((name) => this.#counts.get(name)?.has(scope) === true);
  }

  /** The scopes that want any of the names. */
  scopesOf(names: readonly string[]): ReadonlySet<S> {
    const scopes = new Set<S>();
    for (const name of names) for (const scope of this.#counts.get(name)?.keys() ?? []) scopes.add(scope);
    return scopes;
  }
}
