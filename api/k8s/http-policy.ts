// HTTPPolicy: what happens to requests and answers on their way.
import { cache } from './http/cache.ts';
import { compression } from './http/compression.ts';
import { decompression } from './http/decompression.ts';
import { events } from './http/events.ts';
import { directResponse } from './http/direct-response.ts';
import { grpcMessages } from './http/grpc-messages.ts';
import { grpcMethods } from './http/grpc-methods.ts';
import { grpcJson } from './http/grpc-json.ts';
import { grpcWeb } from './http/grpc-web.ts';
import { hub } from './http/hub.ts';
import { idempotency } from './http/idempotency.ts';
import { maintenance } from './http/maintenance.ts';
import { openapi } from './http/openapi.ts';
import { errorPages } from './http/error-pages.ts';
import { request } from './http/request.ts';
import { response } from './http/response.ts';
import { GATEWAY_TARGET, GRPC_ROUTE_TARGET, HTTP_ROUTE_TARGET, LISTENER_SET_TARGET, policyKind } from './policy.ts';

export const httpPolicy = policyKind({
  kind: 'HTTPPolicy',
  plural: 'httppolicies',
  shortNames: ['hp'],
  description:
    'The handling of requests and answers on their way: changes of their parts, maintenance, fixed answers, hubs of topics, error pages, compression both ways, streams of events, API documents, gRPC for browsers, for JSON and by method, messages of gRPC, idempotency keys, stored answers. For each field the nearest policy wins: rule, route, listener, ListenerSet, Gateway.',
  targets: [GATEWAY_TARGET, LISTENER_SET_TARGET, HTTP_ROUTE_TARGET, GRPC_ROUTE_TARGET],
  appliesTo: 'rule',
  protects: ['openapi'],
  // A proxy without it lets bodies pass as they are: the status of the policy says so.
  additions: [{ capability: 'http-policy', path: '', otherwise: 'withhold' }],
  settings: {
    maintenance,
    directResponse,
    hub,
    request,
    response,
    errorPages,
    events,
    compression,
    decompression,
    openapi,
    grpcWeb,
    grpcMethods,
    grpcJson,
    grpcMessages,
    idempotency,
    cache,
  },
});
