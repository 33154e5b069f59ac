// A proxy with the routes of a test: one HTTPRoute or GRPCRoute, with a rule and a Backend for each entry.
import { explain, type Explanation } from '#api/match/explain.ts';
import { buildTable } from '#api/match/table.ts';
import type * as ir from '#api/ir/ir.ts';
import { explainedRequest } from '../../cli/explained-request.ts';
import { Compiler } from '../../controller/compile/compile.ts';
import { gateway, gatewayClass } from '../../controller/compile/testdata/objects.ts';
import { closeLater } from '../support/fixture.ts';
import { startProxyFor } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A rule to a backend on a port of 127.0.0.1. */
export interface TestRule {
  readonly port: number;
  readonly protocol?: 'http1' | 'http2';
  /** A prefix; `/` unless given. */
  readonly path?: string;
  /** One or several more matches; HTTPRoutes only. */
  readonly match?: Fields;
  /** Replaces the match from path and `match`. */
  readonly matches?: readonly Fields[];
  readonly filters?: readonly unknown[];
  readonly backendFilters?: readonly unknown[];
  readonly weight?: number;
}

/** The objects of a route with these rules. */
export function routeObjects(rules: readonly TestRule[], kind: 'HTTPRoute' | 'GRPCRoute' = 'HTTPRoute'): unknown[] {
  const backends = rules.map(({ port, protocol = 'http1' }, i) => ({
    apiVersion: 'gateway.weir.dev/v1alpha1',
    kind: 'Backend',
    metadata: { name: `b${i}`, namespace: 'infra' },
    spec: { protocol, endpoints: [{ ip: '127.0.0.1', port }] },
  }));
  return [
    gatewayClass(),
    gateway('edge', [{ name: 'http', port: 80, protocol: 'HTTP' }]),
    ...backends,
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind,
      metadata: { name: 'app', namespace: 'infra' },
      spec: { parentRefs: [{ name: 'edge' }], rules: rules.map((rule, i) => ruleOf(rule, i, kind)) },
    },
  ];
}

function ruleOf(
  { path = '/', match = {}, matches, filters = [], backendFilters = [], weight = 1 }: TestRule,
  i: number,
  kind: string,
): Fields {
  const own = kind === 'HTTPRoute' ? { path: { type: 'PathPrefix', value: path }, ...match } : match;
  return {
    matches: matches ?? [own],
    filters,
    backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: `b${i}`, weight, filters: backendFilters }],
  };
}

/** A proxy with these rules; it is closed at the end of the test. */
export async function openRoutes(rules: readonly TestRule[], kind: 'HTTPRoute' | 'GRPCRoute' = 'HTTPRoute'): Promise<Proxy> {
  const proxy = await startProxyFor(routeObjects(rules, kind));
  closeLater(() => proxy.close());
  return proxy;
}

/** Index of the rule for a request, or -1. */
export function explainedRule(objects: readonly unknown[], url: string, method: string, lines: readonly string[]): number {
  return explained(objects, url, method, lines).winner?.route.ruleIndex ?? -1;
}

/** The output of `weir explain` for a request; `lines`: those of its header block. */
export function explained(objects: readonly unknown[], url: string, method = 'GET', lines: readonly string[] = []): Explanation {
  const compiler = new Compiler({ controllerName: 'gateway.weir.dev/controller', allowLoopback: true });
  compiler.apply(objects.map((object) => ({ type: 'upsert', object }) as never));
  const resources = [...compiler.resources()].map(({ body }) => JSON.parse(body.toString()) as ir.Resource);
  const table = buildTable(
    resources.filter((resource) => resource.kind === 'Listener'),
    resources.filter((resource) => resource.kind === 'Route'),
  );
  return explain(table, explainedRequest(url, method, lines).request);
}
