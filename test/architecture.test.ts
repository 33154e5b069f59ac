// Compares all imports with the map in ARCHITECTURE.md: an edge that is not listed fails, and so does a cycle.
import { describe, expect, test } from '@jest/globals';
import { filesBelow, importsOf, valueImportsOf } from './support/imports.ts';

const SOURCE_FOLDERS = ['lib', 'api', 'crds', 'controller', 'proxy', 'migrate', 'admin', 'client', 'cli', 'sdk'];

/** The phases of the request path. */
const PHASES = ['admission', 'filtering', 'backend-choice', 'trying', 'bodies', 'endings', 'local-streams'].map(
  (name) => `proxy/${name}.ts`,
);

/**
 * The folders that a folder may import, besides itself, `node:` and packages. The most specific entry of a file counts; `*` means all
 * folders below the same parent.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  api: ['lib'],
  'api/access-log': ['lib'],
  'api/authorization': ['lib', 'api/expression', 'api/match', 'api/policy'],
  'api/alert': ['lib'],
  'api/expression': ['lib'],
  'api/k8s': ['lib', 'api/access-log', 'api/alert', 'api/expression'],
  'api/ir': ['lib'],
  'api/openapi': ['lib'],
  'api/grpc-json': ['lib'],
  'api/match': ['lib', 'api/ir'],
  'api/policy': ['lib', 'api/ir', 'api/k8s'],
  'api/wire': ['lib', 'api/ir', 'api/policy', 'api/k8s/policies.ts', 'api/k8s/schema-error.ts', 'api/k8s/field-error.ts'],
  crds: ['lib', 'api/k8s'],
  'controller/watch': ['api', 'lib'],
  'controller/discovery': ['api', 'lib', 'controller/watch', 'controller/store'],
  'controller/snapshot': ['api', 'lib', 'controller/watch/alerts.ts', 'controller/watch/event.ts', 'controller/watch/found.ts'],
  'controller/compile': [
    'api',
    'lib',
    'controller/snapshot',
    'controller/watch/alerts.ts',
    'controller/watch/certificates.ts',
    'controller/watch/event.ts',
    'controller/watch/found.ts',
  ],
  'controller/push': ['api', 'lib', 'controller/compile/fleet-identity.ts', 'controller/compile/fleet-scopes.ts'],
  'controller/status': [
    'api',
    'lib',
    'controller/acme/issuer.ts',
    'controller/compile/result.ts',
    'controller/compile/conditions.ts',
    'controller/compile/fleet-scopes.ts',
    'controller/watch',
  ],
  'controller/lint': ['api', 'lib', 'controller/compile', 'controller/status/problems.ts', 'controller/watch'],
  'controller/fleet': [
    'api',
    'lib',
    'controller/compile/result.ts',
    'controller/compile/address-request.ts',
    'controller/compile/fleet-name.ts',
    'controller/compile/fleet-identity.ts',
    'controller/compile/fleet-scopes.ts',
    'controller/status/work-queue.ts',
    'controller/watch',
  ],
  'controller/authority': ['api', 'lib', 'controller/compile/fleet-identity.ts', 'controller/watch'],
  'controller/acme': ['api', 'lib', 'controller/watch'],
  'controller/alert': [
    'api',
    'lib',
    'controller/fleet/drift.ts',
    'controller/status/work-queue.ts',
    'controller/store',
    'controller/watch',
    'controller/telemetry/window/reader.ts',
  ],
  'controller/relay': ['api', 'lib', 'controller/push', 'controller/telemetry'],
  'controller/telemetry': ['api', 'lib', 'controller/push/server.ts'],
  'controller/leader': ['api', 'lib', 'controller/watch'],
  'controller/store': ['lib'],
  'controller/operations': [
    'api',
    'lib',
    'controller/alert',
    'controller/store',
    'controller/telemetry',
    'controller/compile/addresses.ts',
    'controller/push/server.ts',
  ],
  'controller/admin': ['api', 'lib', 'controller'],
  controller: ['api', 'lib', 'controller'],
  'proxy/exchange': ['lib'],
  'proxy/inspection': ['lib', 'api/access-log', 'api/wire'],
  'proxy/codec': ['lib', 'proxy/exchange'],
  'proxy/listener': ['api', 'lib', 'proxy/exchange', 'proxy/codec'],
  'proxy/filter/hub': ['api', 'lib', 'proxy/exchange', 'proxy/filter', 'proxy/codec/websocket'],
  'proxy/hub': ['lib', 'proxy/exchange'],
  'proxy/idempotency': ['lib', 'proxy/exchange'],
  'proxy/cache': ['lib', 'proxy/exchange'],
  'proxy/filter': ['api', 'lib', 'proxy/exchange', 'proxy/cache'],
  'proxy/cluster': ['api', 'lib', 'proxy/exchange'],
  'proxy/limit': ['lib', 'proxy/exchange'],
  'proxy/outside': ['lib', 'proxy/exchange'],
  'proxy/plugin': ['api', 'lib', 'proxy/exchange', 'sdk'],
  'proxy/redis': ['lib', 'proxy/exchange'],
  'proxy/overload': ['lib', 'proxy/exchange'],
  'proxy/upstream': ['lib', 'proxy/exchange', 'proxy/codec'],
  'proxy/telemetry': [
    'api/access-log',
    'api/wire/error-entry.ts',
    'api/wire/recent-lines.ts',
    'api/wire/telemetry-limits.ts',
    'api/wire/telemetry-messages.ts',
    'api/wire/breaker-state.ts',
    'lib',
    'proxy/exchange',
    'proxy/inspection',
    'api/ir/listener-key.ts',
  ],
  'proxy/subscribe': ['api', 'lib'],
  'proxy/reporting': ['api', 'lib', 'proxy/exchange/notices.ts'],
  'proxy/admin': ['api', 'lib'],
  'proxy/health': ['api', 'lib', 'proxy/exchange', 'proxy/upstream/server-identity.ts', 'proxy/upstream/tls-context.ts'],
  'proxy/supervisor': [
    'api',
    'lib',
    'proxy/exchange',
    'proxy/health',
    'proxy/hub',
    'proxy/idempotency',
    'proxy/inspection',
    'proxy/runtime',
    'proxy/telemetry',
    'proxy/worker.ts',
  ],
  'proxy/trial': ['api', 'lib', 'proxy/exchange', 'proxy/filter', 'proxy/codec', 'proxy/listener'],
  'proxy/runtime': ['api', 'lib', 'proxy/exchange', 'proxy/codec', 'proxy/listener', 'proxy/filter', 'proxy/cluster', 'proxy/upstream'],
  'proxy/isolated-request-path.ts': ['proxy/exchange', 'proxy/phases.ts', 'proxy/request-path.ts'],
  'proxy/admission.ts': ['lib', 'proxy/exchange', 'proxy/endings.ts', 'proxy/runtime', 'proxy/upstream'],
  'proxy/filter-wait.ts': ['lib', 'proxy/exchange'],
  'proxy/answering.ts': ['lib', 'proxy/exchange', 'proxy/filter-wait.ts'],
  'proxy/endings.ts': ['lib', 'proxy/exchange', 'proxy/upstream', 'proxy/answering.ts'],
  'proxy/local-streams.ts': ['proxy/exchange'],
  'proxy/bodies.ts': ['lib', 'proxy/exchange', 'proxy/upstream'],
  'proxy/filtering.ts': ['lib', 'proxy/exchange', 'proxy/endings.ts', 'proxy/filter-wait.ts'],
  'proxy/backend-choice.ts': ['lib', 'proxy/exchange', 'proxy/upstream', 'proxy/endings.ts', 'proxy/filtering.ts'],
  'proxy/trying.ts': ['proxy/exchange', 'proxy/upstream', 'proxy/endings.ts'],
  'proxy/phases.ts': ['proxy/exchange', 'proxy/upstream', ...PHASES],
  'proxy/request-path.ts': ['lib', 'proxy/exchange', 'proxy/upstream', 'proxy/phases.ts', ...PHASES],
  proxy: ['api', 'lib', 'proxy'],
  migrate: ['lib', 'api/k8s'],
  sdk: [],
  'migrate/testdata': ['migrate'],
  'admin/api': ['api', 'lib'],
  'admin/api/areas.ts': ['api', 'lib', 'admin'],
  'admin/store': ['lib'],
  'admin/identity': ['api', 'lib', 'admin/api', 'admin/store'],
  'admin/identity/token-reviewer.ts': ['api', 'lib', 'admin/api', 'admin/identity', 'controller/watch/api-client.ts'],
  'admin/compilation': [
    'api',
    'lib',
    'admin/api/problem.ts',
    'controller/compile',
    'controller/lint',
    'controller/status/problems.ts',
    'controller/watch',
  ],
  'admin/configuration': ['api', 'lib', 'admin/api', 'admin/compilation', 'controller/compile', 'controller/watch'],
  'admin/diagnostics': ['api', 'lib', 'admin/api', 'admin/audit', 'admin/configuration', 'admin/live'],
  'admin/usage': ['api', 'lib', 'admin/api', 'admin/store'],
  'admin/trial': ['api', 'lib', 'admin/api', 'admin/configuration', 'proxy/trial'],
  'admin/notification': ['api', 'lib', 'admin/api', 'admin/live', 'admin/usage'],
  'admin/impact': ['api', 'lib', 'admin/api', 'admin/compilation', 'admin/configuration', 'admin/live'],
  'admin/proposal': ['api', 'lib', 'admin/api', 'admin/configuration', 'controller/watch/documents.ts'],
  'admin/oidc': ['api', 'lib', 'admin/api', 'admin/identity'],
  'admin/revisions': ['api', 'lib', 'admin/api', 'admin/configuration', 'admin/store'],
  'admin/backup': ['api', 'lib', 'admin/api', 'admin/audit', 'admin/configuration', 'admin/revisions', 'admin/store', 'controller/watch'],
  'admin/audit': ['api', 'lib', 'admin/api', 'admin/store'],
  'admin/live': ['api', 'lib', 'admin/api'],
  admin: ['api', 'lib', 'admin', 'controller/watch/api-client.ts'],
  client: ['lib'],
  cli: ['api', 'lib', 'admin', 'client', 'controller', 'proxy', 'migrate'],
};

function sources(folder: string): string[] {
  return filesBelow(folder).filter((file) => !/\.(test|bench)\.ts$/.test(file));
}

function ruleOf(file: string): string {
  const names = Object.keys(ALLOWED).filter((name) => file === name || file.startsWith(`${name}/`));
  return names.sort((a, b) => b.length - a.length)[0] ?? '';
}

const files = SOURCE_FOLDERS.flatMap(sources);
const graph = new Map(files.map((file) => [file, importsOf(file)]));

describe('architecture', () => {
  test('finds the source', () => {
    expect(files).toContain('proxy/request-path.ts');
    expect(graph.get('proxy/request-path.ts')).toContain('proxy/exchange/errors.ts');
  });

  test.each(files)('%s has allowed imports only', (file) => {
    const rule = ruleOf(file);
    expect(rule).not.toBe('');
    const allowed = [rule, ...(ALLOWED[rule] ?? [])];
    const forbidden = (graph.get(file) ?? []).filter((target) => !allowed.some((name) => target === name || target.startsWith(`${name}/`)));
    expect(forbidden).toEqual([]);
  });

  test('has no cycles between files', () => {
    expect(findCycle()).toBeNull();
  });
});

/** Type-only imports inside one folder may be mutual (Exchange and its streams). */
function findCycle(): string[] | null {
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): string[] | null => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const target of valueImportsOf(file).filter((imported) => graph.has(imported))) {
      const cycle = visit(target, [...trail, file]);
      if (cycle !== null) return cycle;
    }
    done.add(file);
    return null;
  };
  for (const file of files) {
    const cycle = visit(file, []);
    if (cycle !== null) return cycle;
  }
  return null;
}
