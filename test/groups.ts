// Groups of tests that run together. The suffix of a test file says which tools it needs:
//
//   *.cluster.test.ts  a test cluster (test/cluster)
//   *.tool.test.ts     a tool built from Go, or the packages of docs/, and no cluster
//   *.test.ts          neither
//
// `groups.test.ts` compares the names with the imports of the files.

export const GROUPS = ['unit', 'tool', 'cluster'] as const;
export type Group = (typeof GROUPS)[number];

const PATTERNS: Readonly<Record<Group, string>> = { unit: '**/*.test.ts', tool: '**/*.tool.test.ts', cluster: '**/*.cluster.test.ts' };

/** The slowest files of each group, slowest first: they start before all others. */
export const LONGEST = [
  'conformance/conformance.cluster',
  'helm/install.cluster',
  'guides/installation.cluster',
  'resilience/rights.cluster',
  'resilience/foreign-objects.cluster',
  'resilience/backends.cluster',
  'helm/values.cluster',
  'resilience/outages.cluster',
  'acme/acme.tool',
  'acme/cluster-store.cluster',
  'resilience/rollouts.cluster',
  'discovery/consul.tool',
  'e2e/proxy-process',
  'resilience/many-routes.cluster',
  'push/releases',
  'cluster/nodes.cluster',
  'health/ejection',
  'guides/bad-backends',
  'resilience/secrets.cluster',
  'discovery/nats.tool',
  'e2e/fleet.cluster',
  'messages/up',
  'e2e/large-bodies',
  'policy/redis-outage',
  'e2e/leaks',
  'garbage/leftovers',
].map((name) => `test/${name}.test.ts`);

/** The position of a file among the slowest; other files come last. */
export function rankOf(file: string): number {
  const position = LONGEST.findIndex((each) => file.endsWith(each));
  return position < 0 ? LONGEST.length : position;
}

/** The group of a test file. */
export function groupOf(file: string): Group {
  if (file.endsWith('.cluster.test.ts')) return 'cluster';
  return file.endsWith('.tool.test.ts') ? 'tool' : 'unit';
}

/** Arguments for jest that select the files of these groups. */
export function matchOf(groups: readonly Group[]): string[] {
  const others = GROUPS.filter((group) => group !== 'unit' && !groups.includes(group)).map((group) => `!${PATTERNS[group]}`);
  return ['--testMatch', ...groups.map((group) => PATTERNS[group]), ...(groups.includes('unit') ? others : [])];
}
