// The hubs of HTTPPolicies as controllers and proxies know them.
import type * as ir from '../ir/ir.ts';
import type { PolicySettings } from './settings.ts';

type HubSettings = NonNullable<PolicySettings<'HTTPPolicy'>['hub']>;

/** A hub: all policies with its name have the same topics. */
export interface KnownHub {
  /** `<namespace>/<name>`. */
  readonly hub: string;
  readonly store: 'Memory' | 'Redis';
  /** How much of each topic is kept: its last messages, up to this age in milliseconds. */
  readonly messages: number;
  readonly ageMs: number;
  /** Bytes of a message. */
  readonly maxMessageSize: number;
}

/** What holds without a setting: messages, milliseconds, bytes. */
export const HUB_DEFAULTS = Object.freeze({ messages: 100, age: 300_000, maxMessageSize: 65_536 });

/** The hub of a policy. */
export function hubOf(
  { name, store = 'Memory', history = {}, maxMessageSize }: HubSettings,
  policy: Pick<ir.Policy, 'namespace' | 'name'>,
): KnownHub {
  const { messages = HUB_DEFAULTS.messages, age = HUB_DEFAULTS.age } = history;
  return {
    hub: `${policy.namespace}/${name ?? policy.name}`,
    ...{ store, messages, ageMs: age, maxMessageSize: maxMessageSize ?? HUB_DEFAULTS.maxMessageSize },
  };
}

/** The hubs of all policies that have an effect, each name once in a store. */
export function hubsIn(resources: Iterable<ir.Resource>): readonly KnownHub[] {
  const hubs = new Map<string, KnownHub>();
  for (const resource of resources) {
    if (resource.kind !== 'Policy' || resource.policyKind !== 'HTTPPolicy' || resource.targets.length === 0) continue;
    const { hub: settings } = resource.settings as PolicySettings<'HTTPPolicy'>;
    if (settings === undefined || settings.mode === 'Disabled') continue;
    const known = hubOf(settings, resource);
    const id = `${known.hub} ${known.store}`;
    if (!hubs.has(id)) hubs.set(id, known);
  }
  return [...hubs.values()].toSorted((one, other) => (one.hub < other.hub ? -1 : 1));
}
