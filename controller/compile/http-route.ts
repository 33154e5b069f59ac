// The unit of an HTTPRoute.
import { compileRule } from './http-rule.ts';
import { compileRequestRoute } from './request-route.ts';
import { HTTP_ROUTE } from './route-kinds.ts';
import { splitKey, valueOnly, type UnitKind } from './view.ts';

/** Key: `<namespace>/<name>`. */
export const httpRouteUnit: UnitKind<null> = {
  name: 'http-route',
  stage: 'route',
  fallback: () => null,
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const route = view.object('HTTPRoute', namespace, name);
    return route === undefined ? valueOnly(null) : compileRequestRoute(view, HTTP_ROUTE, route, compileRule);
  },
};
