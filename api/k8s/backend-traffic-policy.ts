// BackendTrafficPolicy: how the proxy sends requests and connections to backends.
import {
  BACKEND_TARGET,
  GATEWAY_TARGET,
  GRPC_ROUTE_TARGET,
  HTTP_ROUTE_TARGET,
  LISTENER_SET_TARGET,
  policyKind,
  SERVICE_TARGET,
  TCP_ROUTE_TARGET,
  TLS_ROUTE_TARGET,
} from './policy.ts';
import { bandwidth } from './backend-traffic/bandwidth.ts';
import { fallback } from './backend-traffic/fallback.ts';
import { faultInjection } from './backend-traffic/fault-injection.ts';
import { healthCheck } from './backend-traffic/health-check.ts';
import { connectionPool } from './backend-traffic/connection-pool.ts';
import { circuitBreaker } from './backend-traffic/circuit-breaker.ts';
import { loadBalancer } from './backend-traffic/load-balancer.ts';
import { priority } from './backend-traffic/priority.ts';
import { queue } from './backend-traffic/queue.ts';
import { hedge } from './backend-traffic/hedge.ts';
import { retry } from './backend-traffic/retry.ts';
import { timeouts } from './backend-traffic/timeouts.ts';
import { webSocket } from './backend-traffic/web-socket.ts';
import { choice } from './setting.ts';

/** Settings that apply to connections without requests. */
export const SETTINGS_OF_CONNECTIONS: readonly string[] = [
  'proxyProtocol',
  'bandwidth',
  'healthCheck',
  'connectionPool.connectTimeout',
  'loadBalancer.type',
  'loadBalancer.hashOn',
  'loadBalancer.boundedLoad',
  'loadBalancer.slowStart',
  'loadBalancer.zone.prefer',
  'loadBalancer.zone.minEndpoints',
  'loadBalancer.subset.labels',
  'loadBalancer.panicThreshold',
];

/** Settings that a request keeps from its first backend, or loses, when it goes to a fallback. */
export const SETTINGS_OF_FIRST_BACKENDS: readonly string[] = [
  'timeouts.request',
  'timeouts.requestHeader',
  'bandwidth',
  'hedge',
  'faultInjection',
  'loadBalancer.sessionPersistence',
  'fallback',
];

export const backendTrafficPolicy = policyKind({
  kind: 'BackendTrafficPolicy',
  plural: 'backendtrafficpolicies',
  shortNames: ['btp'],
  description:
    'How requests and connections are sent to backends: protocol, balancing, health of endpoints, connections, timeouts, retries, WebSockets, faults on purpose, priority. For each field the nearest policy wins: rule, route, Service or Backend, listener, ListenerSet, Gateway.',
  appliesTo: 'backend',
  targets: [
    GATEWAY_TARGET,
    LISTENER_SET_TARGET,
    HTTP_ROUTE_TARGET,
    GRPC_ROUTE_TARGET,
    { ...TCP_ROUTE_TARGET, settings: SETTINGS_OF_CONNECTIONS },
    { ...TLS_ROUTE_TARGET, settings: SETTINGS_OF_CONNECTIONS },
    SERVICE_TARGET,
    BACKEND_TARGET,
  ],
  additions: [
    // A proxy without it takes endpoints in turn.
    { capability: 'load-balancer', path: 'settings.loadBalancer', otherwise: 'omit' },
    // A proxy without it chooses an endpoint for each request.
    { capability: 'session-persistence', path: 'settings.loadBalancer.sessionPersistence', otherwise: 'omit' },
    // A proxy without it adds no faults.
    { capability: 'fault-injection', path: 'settings.faultInjection', otherwise: 'omit' },
    // A proxy without these repeats requests by the other fields of `retry`.
    { capability: 'retry-conditions', path: 'settings.retry.triggers', otherwise: 'omit' },
    { capability: 'retry-conditions', path: 'settings.retry.maxBackoff', otherwise: 'omit' },
    { capability: 'retry-conditions', path: 'settings.retry.maxRetryAfter', otherwise: 'omit' },
    // A proxy without it has one queue in the order of arrival, with the timeout of its flag.
    { capability: 'fair-queue', path: 'settings.queue', otherwise: 'omit' },
    // A proxy without it sends bodies at full speed.
    { capability: 'bandwidth', path: 'settings.bandwidth', otherwise: 'omit' },
    // A proxy without it answers with its own errors.
    { capability: 'fallback-response', path: 'settings.fallback', otherwise: 'omit' },
    // A proxy without it goes on to the fixed answer.
    { capability: 'fallback-backend', path: 'settings.fallback.backendRef', otherwise: 'omit' },
    // A proxy without it treats all requests alike.
    { capability: 'request-priority', path: 'settings.priority', otherwise: 'omit' },
    // A proxy without it does not limit retries.
    { capability: 'retry-budget', path: 'settings.retry.budget', otherwise: 'omit' },
    // A proxy without it does not ask callers for their timeouts.
    { capability: 'timeout-header', path: 'settings.timeouts.requestHeader', otherwise: 'omit' },
    // A proxy without it makes one attempt at a time.
    { capability: 'hedging', path: 'settings.hedge', otherwise: 'omit' },
    // A proxy without it has the limits of its flags, and no breaker.
    { capability: 'backend-limits', path: 'settings.circuitBreaker', otherwise: 'omit' },
    // A proxy without it has the connections of its flags.
    { capability: 'connection-pool', path: 'settings.connectionPool', otherwise: 'omit' },
    // A proxy without it uses every endpoint.
    { capability: 'health-checks', path: 'settings.healthCheck', otherwise: 'omit' },
  ],
  settings: {
    protocol: choice(
      'The protocol of requests to the backend, in place of the one that the Service (appProtocol) or Backend names. Calls of a GRPCRoute always use HTTP/2.',
      ['HTTP1', 'HTTP2'],
    ),
    proxyProtocol: choice(
      'The version of the PROXY protocol that connections begin with, to tell the backend the address of the client. Such a connection carries requests of one client connection only.',
      ['None', 'V1', 'V2'],
    ),
    loadBalancer,
    circuitBreaker,
    connectionPool,
    timeouts,
    retry,
    hedge,
    healthCheck,
    webSocket,
    faultInjection,
    priority,
    queue,
    bandwidth,
    fallback,
  },
});
