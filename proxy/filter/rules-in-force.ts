// The rules of authorization that are in force in a worker. When a policy changes, its new rules begin before its former ones end.

export class RulesInForce {
  /** The number of filters, by the policies that their rules come from. */
  readonly #counts = new Map<string, number>();

  /** Rules of these policies begin. */
  begin(policies: string): void {
    this.#counts.set(policies, (this.#counts.get(policies) ?? 0) + 1);
  }

  /** Rules of these policies end. True: other rules of the same policies are in force, so the rules have changed. */
  end(policies: string): boolean {
    const left = (this.#counts.get(policies) ?? 1) - 1;
    if (left > 0) this.#counts.set(policies, left);
    else this.#counts.delete(policies);
    return left > 0;
  }
}
