// Backend: endpoints outside Kubernetes, which a route can refer to like a Service.
import { Type, type Static } from '#lib/typebox.ts';
import { BACKEND_SOURCES, SOURCE_FIELDS } from './backend-source/index.ts';
import { closed, objectOf, Port, WEIR_GROUP } from './schema.ts';

export const NOT_AN_ADDRESS = 'must be an IPv4 or IPv6 address; a host name is not supported';

const OCTET = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const IPV4 = `(${OCTET}\\\\.){3}${OCTET}`;
/** Refuses host names. Other invalid addresses are reported at the objects that use the Backend. */
const IP_RULE = {
  rule: `self.matches('^(${IPV4}|[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,7}(:${IPV4})?)$')`,
  message: NOT_AN_ADDRESS,
};

/** A fixed address. */
export const BackendEndpoint = closed({
  ip: Type.String({ minLength: 1, maxLength: 45, description: 'An IPv4 or IPv6 address.', 'x-kubernetes-validations': [IP_RULE] }),
  port: Type.Integer({ ...Port, description: 'The TCP port; of a UDPRoute, the UDP port.' }),
  weight: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000, description: 'The share among the endpoints of the same priority; 1 by default.' }),
  ),
  priority: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 7, description: 'Endpoints of the lowest number come first; 0 by default.' }),
  ),
  zone: Type.Optional(
    Type.String({ minLength: 1, maxLength: 63, description: 'The zone of the endpoint, as in topology.kubernetes.io/zone.' }),
  ),
  labels: Type.Optional(
    Type.Record(Type.String(), Type.String({ maxLength: 63 }), { description: 'Metadata, by which policies choose endpoints.' }),
  ),
});
export type BackendEndpoint = Static<typeof BackendEndpoint>;

const SOURCE_NAMES = ['endpoints', ...BACKEND_SOURCES.map(({ source }) => source)];
/** The rule that a Backend has one source. */
export const ONE_SOURCE = `must set exactly one of ${SOURCE_NAMES.join(', ')}`;

const spec = closed(
  {
    protocol: Type.Enum(['http1', 'http2'], {
      default: 'http1',
      description: 'The protocol of the endpoints: http1 is HTTP/1.1, http2 is HTTP/2.',
    }),
    endpoints: Type.Optional(
      Type.Array(BackendEndpoint, { minItems: 1, maxItems: 256, description: 'Fixed endpoints; requests go to each in turn.' }),
    ),
    ...SOURCE_FIELDS,
  },
  {
    'x-kubernetes-validations': [
      { rule: `[${SOURCE_NAMES.map((name) => `has(self.${name})`).join(', ')}].filter(x, x).size() == 1`, message: ONE_SOURCE },
    ],
  },
);

export const Backend = objectOf(`${WEIR_GROUP}/v1alpha1`, 'Backend', spec);
export type Backend = Static<typeof Backend>;
