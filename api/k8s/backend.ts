// Backend: endpoints outside Kubernetes that a route may refer to like a Service.
import { Type, type Static } from 'typebox';
import { closed, objectOf, Port, WEIR_GROUP } from './schema.ts';

/** A fixed address. */
export const BackendEndpoint = closed({ ip: Type.String({ minLength: 1, maxLength: 45 }), port: Port });
export type BackendEndpoint = Static<typeof BackendEndpoint>;

export const Backend = objectOf(
  `${WEIR_GROUP}/v1alpha1`,
  'Backend',
  closed({
    protocol: Type.Enum(['http1', 'h2c'], { default: 'http1' }),
    endpoints: Type.Array(BackendEndpoint, { minItems: 1, maxItems: 256 }),
  }),
);
export type Backend = Static<typeof Backend>;
