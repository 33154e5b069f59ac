// The kinds of routes that a listener accepts, by its protocol. Protocols that are not listed are not supported.
import { GATEWAY_GROUP } from '#api/k8s/schema.ts';
import type { AllowedRoutes } from '#api/k8s/k8s.ts';
import type { ListenerProtocol } from '#api/ir/ir.ts';

/** A kind of route. */
export interface RouteKind {
  readonly group: string;
  readonly kind: string;
}

export const HTTP_ROUTE: RouteKind = { group: GATEWAY_GROUP, kind: 'HTTPRoute' };
export const GRPC_ROUTE: RouteKind = { group: GATEWAY_GROUP, kind: 'GRPCRoute' };
export const TCP_ROUTE: RouteKind = { group: GATEWAY_GROUP, kind: 'TCPRoute' };
export const TLS_ROUTE: RouteKind = { group: GATEWAY_GROUP, kind: 'TLSRoute' };
export const UDP_ROUTE: RouteKind = { group: GATEWAY_GROUP, kind: 'UDPRoute' };

const KINDS_BY_PROTOCOL: ReadonlyMap<string, readonly RouteKind[]> = new Map<ListenerProtocol, readonly RouteKind[]>([
  ['HTTP', [HTTP_ROUTE, GRPC_ROUTE]],
  ['HTTPS', [HTTP_ROUTE, GRPC_ROUTE]],
  ['TLS', [TLS_ROUTE]],
  ['TCP', [TCP_ROUTE]],
  ['UDP', [UDP_ROUTE]],
]);

/** The protocols that listeners may have. */
export const PROTOCOLS: readonly string[] = [...KINDS_BY_PROTOCOL.keys()];

/** Whether listeners may have this protocol. */
export function isSupported(protocol: string): protocol is ListenerProtocol {
  return KINDS_BY_PROTOCOL.has(protocol);
}

/** The kinds that a listener accepts, and the requested kinds that its protocol does not support. */
export function selectKinds(protocol: string, asked: AllowedRoutes['kinds']): { supported: RouteKind[]; invalid: RouteKind[] } {
  const possible = KINDS_BY_PROTOCOL.get(protocol) ?? [];
  if (asked.length === 0) return { supported: [...possible], invalid: [] };
  const isPossible = (kind: RouteKind) => possible.some((other) => sameKind(kind, other));
  return {
    supported: asked.filter(isPossible).map(({ group, kind }) => ({ group, kind })),
    invalid: asked.filter((kind) => !isPossible(kind)),
  };
}

/** Whether both are the same kind. */
export function sameKind(left: RouteKind, right: RouteKind): boolean {
  return left.group === right.group && left.kind === right.kind;
}
