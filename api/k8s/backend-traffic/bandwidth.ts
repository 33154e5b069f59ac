// BackendTrafficPolicy: the speed of bodies.
import { choice, group, size } from '../setting.ts';

/** Bytes per second. */
const RATE = { minimum: 0, maximum: 1_000_000_000_000 };

export const bandwidth = group(
  'The greatest speed of bodies, and of the connections of TCPRoutes and TLSRoutes, in bytes per second. WebSockets have their full speed after their start. 0 is no limit.',
  {
    request: size('The bytes per second of the body of each request, or from the client of each connection.', RATE),
    response: size('The bytes per second of the body of each answer of the backend, or from the backend of each connection.', RATE),
    scope: choice(
      'Request: each body, or each connection of a TCPRoute or TLSRoute, has the speed. Rule: all of a rule have it together, in one proxy; its workers share it.',
      ['Request', 'Rule'],
    ),
  },
);
