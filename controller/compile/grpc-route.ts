// The unit of a GRPCRoute.
import { compileGrpcRule } from './grpc-rule.ts';
import { compileRequestRoute } from './request-route.ts';
import { GRPC_ROUTE } from './route-kinds.ts';
import { splitKey, valueOnly, type UnitKind } from './view.ts';

/** Key: `<namespace>/<name>`. */
export const grpcRouteUnit: UnitKind<null> = {
  name: 'grpc-route',
  stage: 'route',
  fallback: () => null,
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const route = view.object('GRPCRoute', namespace, name);
    return route === undefined ? valueOnly(null) : compileRequestRoute(view, GRPC_ROUTE, route, compileGrpcRule);
  },
};
