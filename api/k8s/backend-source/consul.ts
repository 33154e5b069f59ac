// Endpoints by the instances of a service in Consul.
import { Type, type Static } from '#lib/typebox.ts';
import { closed } from '../schema.ts';
import type { BackendSourceOf } from './backend-source.ts';
import { SecretName, secretsOfTls, ServerTlsSettings } from './server-access.ts';

const ADDRESS = 'an http or https URL with a host, and a port if it is not the default, like https://consul.example.com:8501';
const NEEDS_HTTPS = 'has no effect, since the address begins with http://';

/** A name in Consul. */
function name(description: string) {
  return Type.String({ minLength: 1, maxLength: 128, pattern: '^[^\\s]+$', description });
}

export const ConsulSettings = closed(
  {
    address: Type.String({
      minLength: 8,
      maxLength: 300,
      pattern: '^https?://([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?/?$',
      description: 'The URL of the API of a Consul server or agent, without a path.',
      '~must': ADDRESS,
    }),
    service: name('The name of the service.'),
    tags: Type.Optional(
      Type.Array(name('A tag.'), { minItems: 1, maxItems: 16, description: 'Only instances with all of these tags are used.' }),
    ),
    datacenter: Type.Optional(name('The datacenter of the service; by default that of the server.')),
    namespace: Type.Optional(name('The namespace of the service, in Consul Enterprise.')),
    partition: Type.Optional(name('The admin partition of the service, in Consul Enterprise.')),
    health: Type.Enum(['Passing', 'Warning'], {
      default: 'Passing',
      description: 'The worst state of an instance that is used. Instances with a critical check, or in maintenance, are never used.',
    }),
    tokenRef: Type.Optional(
      closed(
        { name: SecretName, key: Type.String({ default: 'token', minLength: 1, maxLength: 253, description: 'The entry of the Secret.' }) },
        { description: 'The Secret with the ACL token. The token needs service:read and node:read.' },
      ),
    ),
    tls: Type.Optional(ServerTlsSettings),
  },
  {
    'x-kubernetes-validations': [{ rule: "!has(self.tls) || self.address.startsWith('https:')", message: `tls ${NEEDS_HTTPS}` }],
    description: 'The instances of a service in Consul.',
  },
);
export type ConsulSettings = Static<typeof ConsulSettings>;

/** The source `consul`. */
export const consulSource: BackendSourceOf<typeof ConsulSettings> & { readonly source: 'consul' } = {
  source: 'consul',
  schema: ConsulSettings,
  secrets: ({ tokenRef, tls }) => [...new Set([...(tokenRef === undefined ? [] : [tokenRef.name]), ...secretsOfTls(tls)])],
  describe: ({ service, address }) => `${service} at ${address}`,
  check: ({ address, tls }) => (tls === undefined || address.startsWith('https:') ? [] : [{ field: 'tls', reason: NEEDS_HTTPS }]),
};
