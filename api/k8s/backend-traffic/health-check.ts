// BackendTrafficPolicy: when endpoints count as ill, by probes of the proxy and by the answers to requests.
import { Type } from '#lib/typebox.ts';
import { choice, count, duration, fieldName, flag, group, hex, percent, pattern, size, statuses, text } from '../setting.ts';

const probeHeaders = Type.Optional(
  Type.Array(
    Type.Object(
      {
        name: fieldName('The name of the header.'),
        value: text('Its value.', { maxLength: 4_096, form: '[!-~]([\\t -~]*[!-~])?' }),
      },
      { additionalProperties: false },
    ),
    { maxItems: 16, description: 'Headers of the request of an HTTP check.' },
  ),
);

const pace = {
  interval: duration(
    'The pause between two probes of an endpoint; the proxy varies it by up to a tenth. 0s probes nothing; less than 50ms counts as 50ms.',
  ),
  unhealthyInterval: duration('The same for an endpoint that is unhealthy.'),
  timeout: duration('The time for a probe: connection, TLS and answer together. 0s counts as 1s.'),
  healthyThreshold: count('Passed probes in a row that make an unhealthy endpoint healthy. The first probe decides at once.', {
    minimum: 1,
    maximum: 100,
  }),
  unhealthyThreshold: count('Failed probes in a row that make a healthy endpoint unhealthy. The first probe decides at once.', {
    minimum: 1,
    maximum: 100,
  }),
};

const active = group('Probes of the endpoints. Each proxy sends them once for all its workers; rules with equal checks share them.', {
  type: choice('HTTP: a request. GRPC: a call of grpc.health.v1.Health/Check. TCP: a connection, and bytes where send or expect is set.', [
    'HTTP',
    'GRPC',
    'TCP',
  ]),
  ...pace,
  port: count('The port to probe, in place of the port of the endpoint.', { minimum: 1, maximum: 65_535 }),
  tls: flag('False probes without TLS also where requests use it, for example at a port of its own.'),
  host: text('The host of HTTP and GRPC checks.', { maxLength: 253, form: '[A-Za-z0-9.:\\[\\]_-]+' }),
  path: text('The path of an HTTP check, with its query.', { maxLength: 1_024, form: '/[!-"$-~]*' }),
  method: choice('The method of an HTTP check.', ['GET', 'HEAD', 'OPTIONS', 'POST']),
  headers: probeHeaders,
  expectedStatuses: statuses('The statuses of a healthy answer: numbers such as 200, and ranges such as 200-299.'),
  body: group('The content of a healthy answer to an HTTP check. matches counts where both are set.', {
    contains: text('A text that is part of the body.', { maxLength: 1_024 }),
    matches: pattern('A regular expression (RE2) that matches a part of the body.'),
    bytes: size('The start of the body that is read.', { minimum: 1, maximum: 65_536 }),
  }),
  service: text('The service of a GRPC check. Absent: the whole server.', { maxLength: 256, form: '[!-~]*' }),
  send: group('The bytes that a TCP check sends. hex counts where both are set.', {
    text: text('As text.', { maxLength: 1_024 }),
    hex: hex('As hexadecimal digits.'),
  }),
  expect: group('The bytes that the answer to a TCP check contains, within its first 4096. hex counts where both are set.', {
    text: text('As text.', { maxLength: 1_024 }),
    hex: hex('As hexadecimal digits.'),
  }),
});

const passive = group('Ejection of endpoints whose requests fail, also without a policy. A threshold of 0 is off.', {
  consecutive5xx: count('Failures in a row: answers with a status of 500 and above, and local errors.', { minimum: 0, maximum: 10_000 }),
  consecutiveGatewayErrors: count('Failures in a row: answers with 502, 503 or 504, and local errors.', { minimum: 0, maximum: 10_000 }),
  consecutiveLocalErrors: count('Local errors in a row: connections that fail or break, timeouts, and answers that are not valid.', {
    minimum: 0,
    maximum: 10_000,
  }),
  failureRatio: group('Ejection by the share of failures.', {
    percent: percent('The share of requests that fail. 0 is off.'),
    minRequests: count('Fewer requests within the interval say nothing.', { minimum: 1, maximum: 1_000_000 }),
  }),
  latency: group('Ejection by the time to the head of the answer, with at least three endpoints.', {
    factor: count('The mean of the endpoint as a multiple of the median of the endpoints of the backend. 0 is off.', {
      minimum: 0,
      maximum: 1_000,
    }),
    minRequests: count('Fewer answers within the interval say nothing.', { minimum: 1, maximum: 1_000_000 }),
  }),
  interval: duration('The time over which failureRatio and latency measure: between one and two intervals.'),
  baseEjectionTime: duration('The length of the first ejection. Each further one is longer by it. 0s ejects nothing.'),
  maxEjectionTime: duration('The greatest length of an ejection; no less than baseEjectionTime.'),
  maxEjectionPercent: percent('The share of endpoints that ejections may take out of use: at least one, never all. 0 ejects nothing.'),
});

export const healthCheck = group('When endpoints count as ill and get no requests while others are left.', { active, passive });
