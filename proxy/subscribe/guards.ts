// Policies that the proxy cannot use although their kind protects its targets: in their place a guard refuses the requests of these targets,
// with the reason. An earlier version that is in use protects its own targets as before.
import { objectName, type Policy, type PolicyTarget } from '#api/ir/ir.ts';
import { describeError } from '#api/k8s/field-error.ts';
import { protectionIn } from '#api/wire/protection.ts';
import type { ResourceName } from '#api/wire/encode.ts';
import type { HeldState, RefusedResource } from './state.ts';

/** What a batch adds to the guards of the target and takes from them. */
export interface GuardChange {
  readonly changed: readonly Policy[];
  readonly removed: readonly ResourceName[];
  readonly next: ReadonlyMap<string, Policy>;
}

/** Follows the key of the policy in the key of its guard. */
const SUFFIX = '/refused';

export class Guards {
  readonly #state: HeldState;
  /** By key of the policy: those that the target has. */
  #applied: ReadonlyMap<string, Policy> = new Map();

  constructor(state: HeldState) {
    this.#state = state;
  }

  /** All guards of the target. */
  all(): readonly Policy[] {
    return [...this.#applied.values()];
  }

  /**
   * The change for a batch that replaces or removes the policies with these keys. `complete`: the controller has sent all that it has, so
   * guards of policies that it has not mentioned are not needed any more; before, a new stream may still send them.
   */
  changeFor(settled: ReadonlySet<string>, complete: boolean): GuardChange {
    const next = new Map(complete ? [] : [...this.#applied].filter(([key]) => !settled.has(key)));
    for (const refused of this.#state.allRefused()) {
      if (refused.encoded.kind !== 'Policy' || settled.has(refused.encoded.key)) continue;
      const guard = this.#guardOf(refused);
      if (guard === null) next.delete(refused.encoded.key);
      else next.set(refused.encoded.key, guard);
    }
    const gone = [...this.#applied].filter(([key]) => !next.has(key)).map(([, guard]) => guard);
    const isNew = (guard: Policy, key: string): boolean => JSON.stringify(this.#applied.get(key)) !== JSON.stringify(guard);
    const changed = [...next].filter(([key, guard]) => isNew(guard, key)).map(([, guard]) => guard);
    return { changed, removed: gone.map(({ kind, key }) => ({ kind, key })), next };
  }

  /** The target has taken the change. */
  taken({ next }: GuardChange): void {
    this.#applied = next;
  }

  #guardOf({ encoded, errors }: RefusedResource): Policy | null {
    const refused = protectionIn(encoded);
    if (refused === null) return null;
    const good = this.#state.good(encoded);
    const before = new Set(good === undefined ? [] : protectionIn(good)?.targets.map(idOf));
    const targets = refused.targets.filter((target) => !before.has(idOf(target)));
    if (targets.length === 0) return null;
    const message = `the proxy cannot use the policy: ${errors.map(describeError).join('; ')}`;
    return { ...refused, key: `${encoded.key}${SUFFIX}`, targets, problems: [{ field: '', message }] };
  }
}

function idOf(target: PolicyTarget): string {
  return `${objectName(target)}/${target.section}`;
}
