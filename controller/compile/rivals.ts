// HTTPRoutes and GRPCRoutes with the same hosts on one listener: the Gateway API accepts the older route and refuses the other
// (GRPCRouteSpec.hostnames), since the host does not tell which kind a request belongs to.
import { coveringPatterns } from '#api/match/hostname.ts';
import { objectId, refOf } from '#api/k8s/object.ts';
import { parentOf } from '#api/k8s/reference.ts';
import type { GrpcRoute, HttpRoute } from '#api/k8s/k8s.ts';
import { coveredHostKey, hostKey, hostPatternsOf } from '../snapshot/indexes.ts';
import { byAge } from './age.ts';
import { attachableUnit } from './attachable.ts';
import { claimsOf, type Attaching, type Claim } from './claims.ts';
import type { AttachableListener } from './listener.ts';
import { GRPC_ROUTE, HTTP_ROUTE } from './route-kinds.ts';
import { valueOnly, type UnitKind, type View } from './view.ts';

/** A listener that a route does not get because of an older route of the other kind. Routes by object id. */
export interface Defeat {
  readonly loser: string;
  readonly listener: string;
  readonly winner: string;
}

/** Key: the id of a Gateway or ListenerSet. HTTPRoutes without a host in common with a GRPCRoute are not read. */
export const rivalsUnit: UnitKind<readonly Defeat[]> = {
  name: 'rivals',
  stage: 'rivals',
  fallback: () => [],
  compile(view, key) {
    const grpcRoutes = view.list('grpcRoutesByParent', key);
    if (grpcRoutes.length === 0) return valueOnly([]);
    const listeners = view.read(attachableUnit, key);
    if (listeners === null) return valueOnly([]);
    const routes = byAge<HttpRoute | GrpcRoute>([...grpcRoutes, ...rivalsOf(view, key, grpcRoutes)]);
    const taken = new Map<string, Hosts>();
    return valueOnly(routes.flatMap((route) => take(taken, route, claimsOn(view, route, key, listeners))));
  },
};

/** The HTTPRoutes of a parent with hosts in common with any GRPCRoute: of two patterns that overlap, one covers the other. */
function rivalsOf(view: View, parent: string, grpcRoutes: readonly GrpcRoute[]): readonly HttpRoute[] {
  const patterns = [...new Set(grpcRoutes.flatMap(hostPatternsOf))];
  const covering = new Set(patterns.flatMap((pattern) => [...coveringPatterns(pattern)]));
  const keys = [...patterns.map((pattern) => coveredHostKey(parent, pattern)), ...[...covering].map((pattern) => hostKey(parent, pattern))];
  return [...new Set(keys.flatMap((key) => view.list('httpRoutesByHost', key)))];
}

/** The claimed hosts of one listener, per kind of route. */
type Hosts = Readonly<Record<'HTTPRoute' | 'GRPCRoute', HostSet>>;

/** Records the claims of a route, except those that a route of the other kind has already; returns these. */
function take(taken: Map<string, Hosts>, route: HttpRoute | GrpcRoute, claims: readonly Claim[]): Defeat[] {
  const id = objectId(refOf(route));
  const rival = route.kind === 'HTTPRoute' ? 'GRPCRoute' : 'HTTPRoute';
  return claims.flatMap(({ listener: { key: listener }, hostnames }) => {
    const hosts = taken.get(listener) ?? { HTTPRoute: new HostSet(), GRPCRoute: new HostSet() };
    taken.set(listener, hosts);
    const winner = hostnames.map((hostname) => hosts[rival].ownerOf(hostname)).find((owner) => owner !== null);
    if (winner !== undefined) return [{ loser: id, listener, winner }];
    for (const hostname of hostnames) hosts[route.kind].add(hostname, id);
    return [];
  });
}

/** The claims of all parentRefs to the parent, one per listener. */
function claimsOn(view: View, route: HttpRoute | GrpcRoute, parent: string, listeners: readonly AttachableListener[]): readonly Claim[] {
  const { namespace = '', name } = route.metadata;
  const { hostnames, parentRefs } = route.spec;
  const attaching: Attaching = { kind: route.kind === 'HTTPRoute' ? HTTP_ROUTE : GRPC_ROUTE, namespace, name, hostnames, parentRefs };
  const claims = parentRefs
    .filter((parentRef) => {
      const target = parentOf(parentRef, namespace);
      return target !== null && objectId(target) === parent;
    })
    .flatMap((parentRef) => claimsOf(view, attaching, parentRef, listeners).agreed);
  return [...new Map(claims.map((claim) => [claim.listener.key, claim])).values()];
}

/** Host name patterns, each with the first route that claimed it. The cost of a lookup does not depend on their number. */
class HostSet {
  readonly #owners = new Map<string, string>();
  /** By every pattern that covers one of those: the owner of the first. */
  readonly #covering = new Map<string, string>();

  add(pattern: string, owner: string): void {
    if (this.#owners.has(pattern)) return;
    this.#owners.set(pattern, owner);
    for (const covering of coveringPatterns(pattern)) if (!this.#covering.has(covering)) this.#covering.set(covering, owner);
  }

  /** The route that claimed a pattern with hosts in common with this one; null if there is none. */
  ownerOf(pattern: string): string | null {
    for (const covering of coveringPatterns(pattern)) {
      const owner = this.#owners.get(covering);
      if (owner !== undefined) return owner;
    }
    return this.#covering.get(pattern) ?? null;
  }
}
