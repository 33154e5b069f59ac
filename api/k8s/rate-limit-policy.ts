// RateLimitPolicy: how often requests may come, counted by caller or by anything else of a request.
import { GATEWAY_TARGET, GRPC_ROUTE_TARGET, HTTP_ROUTE_TARGET, LISTENER_SET_TARGET, policyKind } from './policy.ts';
import { limits } from './rate-limit/limits.ts';

export const rateLimitPolicy = policyKind({
  kind: 'RateLimitPolicy',
  plural: 'ratelimitpolicies',
  shortNames: ['rlp'],
  description:
    'How often requests may come to a route. All rules of the targets of one policy share its limits. While a policy is invalid, its targets answer 500. The nearest policy wins: rule, route, listener, ListenerSet, Gateway.',
  targets: [GATEWAY_TARGET, LISTENER_SET_TARGET, HTTP_ROUTE_TARGET, GRPC_ROUTE_TARGET],
  protects: true,
  appliesTo: 'rule',
  // A proxy without it limits nothing: the status of the policy says so.
  additions: [{ capability: 'rate-limit-policy', path: '', otherwise: 'withhold' }],
  settings: { limits },
});
