// TCPRoutes, TLSRoutes and UDPRoutes with a parent of this controller: one StreamRoute resource per rule, and the status for each parent.
import type { StreamBackendRef, StreamRouteRule, TcpRoute, TlsRoute, UdpRoute } from '#api/k8s/k8s.ts';
import type * as ir from '#api/ir/ir.ts';
import { createdAt } from './age.ts';
import { attach, attachedCounter } from './attachment.ts';
import { resolveBackendRef, type RouteReferrer } from './backend-refs.ts';
import type { BackendObstacle } from './conditions.ts';
import { TCP_ROUTE, TLS_ROUTE, UDP_ROUTE, type RouteKind } from './route-kinds.ts';
import { mergeAttachments, routeStatus, type RuleOutcome } from './route-status.ts';
import { splitKey, valueOnly, type UnitKind, type UnitOutput, type View } from './view.ts';

/** Key: `<namespace>/<name>`. */
export const tcpRouteUnit: UnitKind<null> = {
  name: 'tcp-route',
  stage: 'route',
  fallback: () => null,
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const route = view.object('TCPRoute', namespace, name);
    return route === undefined ? valueOnly(null) : compileStreamRoute(view, TCP_ROUTE, route, []);
  },
};

/** Key: `<namespace>/<name>`. */
export const tlsRouteUnit: UnitKind<null> = {
  name: 'tls-route',
  stage: 'route',
  fallback: () => null,
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const route = view.object('TLSRoute', namespace, name);
    return route === undefined ? valueOnly(null) : compileStreamRoute(view, TLS_ROUTE, route, route.spec.hostnames);
  },
};

/** Key: `<namespace>/<name>`. */
export const udpRouteUnit: UnitKind<null> = {
  name: 'udp-route',
  stage: 'route',
  fallback: () => null,
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const route = view.object('UDPRoute', namespace, name);
    return route === undefined ? valueOnly(null) : compileStreamRoute(view, UDP_ROUTE, route, []);
  },
};

type AnyStreamRoute = TcpRoute | TlsRoute | UdpRoute;

function compileStreamRoute(view: View, kind: RouteKind, route: AnyStreamRoute, hostnames: readonly string[]): UnitOutput<null> {
  const { metadata, spec } = route;
  const namespace = metadata.namespace ?? '';
  const parents = attach(view, { kind, namespace, name: metadata.name, hostnames, parentRefs: spec.parentRefs });
  if (parents.length === 0) return valueOnly(null);
  const from = { kind: kind.kind, namespace, carries: kind === UDP_ROUTE ? 'datagrams' : 'connections' } as const;
  const rules = spec.rules.map((rule, i) => compileRule(view, from, rule, `spec.rules[${i}]`));
  const ignored = spec.useDefaultGateways === undefined ? [] : ['spec.useDefaultGateways'];
  return {
    ...valueOnly(null),
    resources: resourcesOf(route, rules, mergeAttachments(parents)),
    status: routeStatus({ kind: kind.kind, metadata, ignored }, parents, rules),
    counters: parents.flatMap((parent) => parent.counted.map(attachedCounter)),
  };
}

interface CompiledRule extends RuleOutcome {
  readonly name: string;
  readonly backends: ir.StreamBackend[];
}

function compileRule(view: View, from: RouteReferrer, rule: StreamRouteRule, field: string): CompiledRule {
  const backends = rule.backendRefs.map((ref, i) => compileBackend(view, from, ref, `${field}.backendRefs[${i}]`));
  return {
    name: rule.name ?? '',
    problem: null,
    obstacles: backends.flatMap(({ obstacle }) => obstacle ?? []),
    backends: backends.map(({ backend }) => backend),
  };
}

interface CompiledBackend {
  readonly backend: ir.StreamBackend;
  readonly obstacle: BackendObstacle | null;
}

/** A backend that cannot be resolved keeps its weight: its share of the connections is refused. */
function compileBackend(view: View, from: RouteReferrer, ref: StreamBackendRef, field: string): CompiledBackend {
  const { cluster, obstacle } = resolveBackendRef(view, from, ref, field);
  const backend = { cluster, ...(obstacle === null ? {} : { invalidReason: obstacle.message }), weight: ref.weight };
  return { backend, obstacle };
}

function resourcesOf(route: AnyStreamRoute, rules: readonly CompiledRule[], attachments: ir.Attachment[]): ir.StreamRoute[] {
  if (attachments.length === 0) return [];
  const { kind: objectKind, metadata } = route;
  const { name, namespace = '' } = metadata;
  return rules.map(({ name: ruleName, backends }, ruleIndex) => ({
    kind: 'StreamRoute',
    key: `${objectKind}/${namespace}/${name}/${ruleIndex}`,
    ...{ objectKind, namespace, name, ruleIndex, ruleName },
    createdAt: createdAt(metadata),
    attachments,
    backends,
  }));
}
