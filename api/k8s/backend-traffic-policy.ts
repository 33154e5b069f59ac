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
import { choice, count, duration, group, numbers, size } from './setting.ts';

/** Settings that apply to connections without requests. */
const OF_CONNECTIONS = ['proxyProtocol'];

export const backendTrafficPolicy = policyKind({
  kind: 'BackendTrafficPolicy',
  plural: 'backendtrafficpolicies',
  shortNames: ['btp'],
  description:
    'How requests and connections are sent to backends: protocol, timeouts, retries, WebSockets. For each field the nearest policy wins: rule, route, Service or Backend, listener, ListenerSet, Gateway.',
  targets: [
    GATEWAY_TARGET,
    LISTENER_SET_TARGET,
    HTTP_ROUTE_TARGET,
    GRPC_ROUTE_TARGET,
    { ...TCP_ROUTE_TARGET, settings: OF_CONNECTIONS },
    { ...TLS_ROUTE_TARGET, settings: OF_CONNECTIONS },
    SERVICE_TARGET,
    BACKEND_TARGET,
  ],
  additions: [],
  settings: {
    protocol: choice(
      'The protocol of requests to the backend, in place of the one that the Service (appProtocol) or Backend names. Calls of a GRPCRoute always use HTTP/2.',
      ['HTTP1', 'HTTP2'],
    ),
    proxyProtocol: choice(
      'The version of the PROXY protocol that connections begin with, to tell the backend the address of the client. Such a connection carries requests of one client connection only.',
      ['None', 'V1', 'V2'],
    ),
    timeouts: group('How long a backend may take. 0s is no timeout.', {
      request: duration('The whole of a request, all attempts included. timeouts.request of the rule wins.'),
      backendRequest: duration('One attempt. timeouts.backendRequest of the rule wins.'),
    }),
    retry: group('The failures after which a request is sent again. A rule with a retry of its own uses nothing of this.', {
      attempts: count('Attempts beyond the first. 0 is none.', { minimum: 0, maximum: 100 }),
      codes: numbers('Statuses of the backend that are tried again.', { minimum: 400, maximum: 599 }),
      grpcStatuses: numbers(
        'Statuses of gRPC calls that are tried again, by number, such as 14 for UNAVAILABLE, if no message came before the status.',
        { minimum: 1, maximum: 16 },
      ),
      backoff: duration('The pause before each further attempt.'),
    }),
    webSocket: group('Limits of WebSockets, for both sides. Without a limit every frame passes unchanged.', {
      frame: size('The payload of one frame as it travels; a larger one ends the WebSocket with close code 1009. 0 is no limit.', {
        minimum: 0,
      }),
      message: size(
        'The frames of one message together, as they travel; a larger message ends the WebSocket with close code 1009. 0 is no limit.',
        { minimum: 0 },
      ),
      messagesPerSecond: count(
        'Messages that the client may send in a second; more end the WebSocket with close code 1008. 0 is no limit.',
        {
          minimum: 0,
          maximum: 1_000_000,
        },
      ),
      idle: duration('The longest time without data either way; then the WebSocket ends with close code 1001. 0s is no limit.'),
      lifetime: duration('How long a WebSocket may live; then it ends with close code 1001. 0s is no limit.'),
      ping: duration(
        'The silence of the client after which the proxy sends a ping. After as much silence again the client is cut. 0s is never.',
      ),
      connections: count('Open WebSockets of one rule in one worker; more are answered with 503. 0 is no limit.', {
        minimum: 0,
        maximum: 1_000_000,
      }),
    }),
  },
});
