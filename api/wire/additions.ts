// What the IR has that the former release does not know. The controller adapts resources to proxies by this table; a proxy says the
// capabilities of its release in its Hello. The kinds themselves have the entries; a test compares them with the schemas of the former
// release.
import { RESOURCE_KINDS, type Addition } from '../ir/ir.ts';
import { POLICIES } from '../k8s/policies.ts';

/** Every addition; its path starts with the kind of resource or of policy. */
export const ADDITIONS: readonly Addition[] = [...RESOURCE_KINDS, ...POLICIES].flatMap(({ kind, additions }) =>
  additions.map((addition) => ({ ...addition, path: addition.path === '' ? kind : `${kind}.${addition.path}` })),
);

/** Capabilities whose additions the former release knows too. Controllers of that release ask for them. */
const SETTLED: readonly string[] = [];

/** What a proxy of this release says in its Hello. */
export const CAPABILITIES: readonly string[] = [...new Set([...SETTLED, ...ADDITIONS.map(({ capability }) => capability)])];
