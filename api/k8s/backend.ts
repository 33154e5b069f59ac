// Backend: endpoints outside Kubernetes that a route may refer to like a Service.
import { Type, type Static } from 'typebox';
import { closed, objectOf, Port, WEIR_GROUP } from './schema.ts';

/** A fixed address. */
export const BackendEndpoint = closed({
  ip: Type.String({ minLength: 1, maxLength: 45, description: 'An IPv4 or IPv6 address.' }),
  port: Type.Integer({ ...Port, description: 'The TCP port; of a UDPRoute, the UDP port.' }),
});
export type BackendEndpoint = Static<typeof BackendEndpoint>;

export const Backend = objectOf(
  `${WEIR_GROUP}/v1alpha1`,
  'Backend',
  closed({
    protocol: Type.Enum(['http1', 'http2'], {
      default: 'http1',
      description: 'What the endpoints speak: http1 is HTTP/1.1, http2 is HTTP/2.',
    }),
    endpoints: Type.Array(BackendEndpoint, { minItems: 1, maxItems: 256, description: 'Where requests go, each in its turn.' }),
  }),
);
export type Backend = Static<typeof Backend>;
