// BackendTrafficPolicy: the choice among the endpoints of a backend.
import { Type } from '#lib/typebox.ts';
import { sessionPersistence } from './session-persistence.ts';
import { choice, claimName, count, duration, fieldName, flag, group, percent } from '../setting.ts';

/** The name of a cookie (RFC 6265) or of a query parameter. */
function name(description: string) {
  return Type.Optional(Type.String({ minLength: 1, maxLength: 256, pattern: '^[^\\s;,=&"\\\\]+$', description, '~must': 'a name' }));
}

const hashOn = Type.Optional(
  Type.Array(
    Type.Object(
      {
        header: fieldName('The values of this header.'),
        cookie: name('The value of this cookie.'),
        query: name('The first value of this query parameter, decoded.'),
        sourceIP: flag('True: the address of the client.'),
        principal: choice('The authenticated caller.', ['id']),
        consumer: flag('True: the Consumer of the caller.'),
        claim: claimName('A claim of the caller.'),
      },
      {
        additionalProperties: false,
        minProperties: 1,
        maxProperties: 1,
        description: 'One part of the key.',
        '~must': 'exactly one of header, cookie, query, sourceIP, principal, consumer and claim',
      },
    ),
    {
      minItems: 1,
      maxItems: 8,
      description:
        'The parts of a request that RingHash and Maglev hash, together: the key. A missing part counts as empty; without any part the endpoint is random.',
    },
  ),
);

export const loadBalancer = group('The choice among the endpoints of a backend.', {
  type: choice(
    'RoundRobin: in turn. Random. LeastRequest: the one of two random endpoints with fewer open requests. PeakEWMA: the one of two that answers faster. RingHash, Maglev: by a key of the request.',
    ['RoundRobin', 'Random', 'LeastRequest', 'PeakEWMA', 'RingHash', 'Maglev'],
  ),
  hashOn,
  boundedLoad: count(
    'For RingHash and Maglev: the most open requests of an endpoint, in percent of its share of those of all endpoints. Requests above it go to the next endpoint of their key. 0 is no bound; a number from 1 to 100 counts as 101.',
    { minimum: 0, maximum: 10_000 },
  ),
  slowStart: duration(
    'The time in which the share of an endpoint that joins grows from a tenth to the whole. Not for RingHash and Maglev. 0s is off.',
  ),
  zone: group('The zones of endpoints.', {
    prefer: choice(
      'The endpoints that get requests as long as they have the capacity. Hints: those that Kubernetes allocates for the zone of the proxy, if it allocates zones to all (trafficDistribution of the Service). Local: those in the zone of the proxy.',
      ['None', 'Hints', 'Local'],
    ),
    minEndpoints: count('The least number of usable endpoints in the zone of the proxy; if there are fewer, all zones are alike.', {
      minimum: 1,
      maximum: 1_000,
    }),
  }),
  subset: group('The part of the endpoints that get requests.', {
    labels: Type.Optional(
      Type.Record(Type.String(), Type.String({ maxLength: 63 }), {
        description: 'Only endpoints with all these labels get requests. Endpoints of Services have no labels.',
      }),
    ),
  }),
  overrideHeader: fieldName(
    'A header in which a request may name its endpoint, as 10.0.0.1:80. A request that names another address is answered with 503. Any client may send it.',
  ),
  sessionPersistence,
  panicThreshold: percent('If a smaller share of the endpoints is healthy, requests go to unhealthy ones too. 0: only if none is healthy.'),
});
