// The additions to the IR since the former release. The controller adapts resources to proxies by this table; a proxy sends the
// capabilities of its release in its Hello. Each kind has its own entries; a test compares them with the schemas of the former release.
import { RESOURCE_KINDS, type Addition } from '../ir/ir.ts';
import { POLICIES } from '../k8s/policies.ts';

/** Every addition; its path starts with the kind of resource or of policy. */
export const ADDITIONS: readonly Addition[] = [...RESOURCE_KINDS, ...POLICIES].flatMap(({ kind, additions }) =>
  additions.map((addition) => ({ ...addition, path: addition.path === '' ? kind : `${kind}.${addition.path}` })),
);

/** Capabilities whose additions the former release also knows. Controllers of that release require them. */
const SETTLED: readonly string[] = [];

/** The capabilities that a proxy of this release sends in its Hello. */
export const CAPABILITIES: readonly string[] = [...new Set([...SETTLED, ...ADDITIONS.map(({ capability }) => capability)])];
