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
    'How requests and connections are sent to backends: protocol, timeouts, retries, WebSockets. A rule wins over its route, that over the Service or Backend, that over the listener, that over the ListenerSet, that over the Gateway, field by field.',
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
      'What requests are sent in, in place of what the Service (appProtocol) or Backend says. Calls of a GRPCRoute always go in HTTP/2.',
      ['HTTP1', 'HTTP2'],
    ),
    proxyProtocol: choice(
      'The version of the PROXY protocol that connections begin with, to tell the backend whose they are. Then none carries anything for another client connection.',
      ['None', 'V1', 'V2'],
    ),
    timeouts: group('How long a backend may take. 0s is no timeout.', {
      request: duration('The whole of a request, all attempts included. What the rule of a route says itself (timeouts.request) wins.'),
      backendRequest: duration('One attempt. What the rule of a route says itself (timeouts.backendRequest) wins.'),
    }),
    retry: group('Which failures are worth another attempt. A rule of a route that has a retry of its own uses that and nothing of this.', {
      attempts: count('Attempts beyond the first. 0 is none.', { minimum: 0, maximum: 100 }),
      codes: numbers('Statuses of the backend that are tried again.', { minimum: 400, maximum: 599 }),
      grpcStatuses: numbers(
        'Outcomes of gRPC calls that are tried again, by number, as 14 for UNAVAILABLE: where no message came before them.',
        { minimum: 1, maximum: 16 },
      ),
      backoff: duration('The pause before each further attempt.'),
    }),
    webSocket: group('What WebSockets are held to, both sides. Without one of these every frame passes as it is.', {
      frame: size('The payload of one frame as it travels; a larger one ends the WebSocket with close code 1009. 0 is no limit.', {
        minimum: 0,
      }),
      message: size('The frames of one message together, as they travel; the same holds. 0 is no limit.', { minimum: 0 }),
      messagesPerSecond: count(
        'Messages that the client may send in a second; more end the WebSocket with close code 1008. 0 is no limit.',
        {
          minimum: 0,
          maximum: 1_000_000,
        },
      ),
      idle: duration('The longest time without data either way; then the WebSocket ends with close code 1001. 0s is no limit.'),
      lifetime: duration('How long a WebSocket may live; then it ends with close code 1001. 0s is no limit.'),
      ping: duration('Silence of the client after which it is sent a ping; one that is silent as long again is cut. 0s is never.'),
      connections: count('Open WebSockets of one rule in one worker; more are answered with 503. 0 is no limit.', {
        minimum: 0,
        maximum: 1_000_000,
      }),
    }),
  },
});
