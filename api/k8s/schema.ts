// Building blocks for the schemas of Kubernetes kinds: closed objects, names, and patterns with a reason in words.
import { Type, type TProperties, type TSchema } from '#lib/typebox.ts';
import type { ObjectMeta } from './object.ts';

/** An object without other fields: an unknown field is probably a typing error, so it is reported instead of dropped. */
export function closed<P extends TProperties>(
  properties: P,
  options: { default?: unknown; description?: string; 'x-kubernetes-validations'?: readonly object[] } = {},
) {
  return Type.Object(properties, { additionalProperties: false, ...options });
}

/** Fields that an API server accepts and that Weir does not read. */
export function unread<const N extends string>(...names: N[]) {
  const schemas = names.map((name) => [name, Type.Optional(Type.Unknown())]);
  return Object.fromEntries(schemas) as { [K in N]: ReturnType<typeof Type.Optional<ReturnType<typeof Type.Unknown>>> };
}

/** Marks a field that an API server accepts and that Weir does not support. */
export const UNSUPPORTED = '~unsupported';

/** Fields without an effect in Weir: the linter warns of each. */
export function unsupported<const N extends string>(...names: N[]) {
  const schemas = names.map((name) => [name, Type.Optional(Type.Unknown({ [UNSUPPORTED]: true }))]);
  return Object.fromEntries(schemas) as { [K in N]: ReturnType<typeof Type.Optional<ReturnType<typeof Type.Unknown>>> };
}

/** A string with a pattern. `must` completes the sentence "must be ...", also if the field has a description. */
function named(pattern: string, maxLength: number, must: string) {
  return Type.String({ minLength: 1, maxLength, pattern, description: must, '~must': must });
}

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;

export const DnsName = named(`^${SUBDOMAIN}$`, 253, 'lower-case letters, digits, "-" and "." (a DNS name)');
export const DnsLabel = named(`^${LABEL}$`, 63, 'lower-case letters, digits and "-" (a DNS label)');
export const Hostname = named(`^(\\*\\.)?${SUBDOMAIN}$`, 253, 'a lower-case host name, with at most a leading "*."');
/** A host name, or empty for any host. */
export const HostnameOrAny = Type.String({
  maxLength: 253,
  pattern: `^$|^(\\*\\.)?${SUBDOMAIN}$`,
  description: 'a lower-case host name, with at most a leading "*."',
});
export const PreciseHostname = named(`^${SUBDOMAIN}$`, 253, 'a lower-case host name without wildcard');
export const HeaderName = named("^[A-Za-z0-9!#$%&'*+\\-.^_`|~]+$", 256, 'a header name (an RFC 9110 token)');
export const Group = Type.String({ maxLength: 253, pattern: `^$|^${SUBDOMAIN}$`, description: 'an API group', '~must': 'an API group' });
export const Kind = named('^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$', 63, 'a kind');
/** GEP-2257. */
export const DURATION_RULES = { minLength: 1, maxLength: 24, pattern: '^([0-9]{1,5}(h|m|s|ms)){1,4}$' };
export const DURATION_FORM = 'a duration like 10s, 1h30m or 100ms';
export const Duration = Type.String({ ...DURATION_RULES, description: DURATION_FORM, '~must': DURATION_FORM });
export const Port = Type.Integer({ minimum: 1, maximum: 65535 });
export const Labels = Type.Record(Type.String(), Type.String());

/** The group of the Gateway API, the default of most references. */
export const GATEWAY_GROUP = 'gateway.networking.k8s.io';
/** Annotations of the Gateway API's CRDs: their release, like `v1.6.3`, and `standard` or `experimental`. */
export const BUNDLE_VERSION = `${GATEWAY_GROUP}/bundle-version`;
export const BUNDLE_CHANNEL = `${GATEWAY_GROUP}/channel`;
/** The group of Weir's own kinds. */
export const WEIR_GROUP = 'gateway.weir.dev';

/** The metadata of an object. Names are checked here because they become parts of keys, separated by '/'. */
export const Metadata = Type.Unsafe<ObjectMeta>(
  Type.Object({
    name: DnsName,
    namespace: Type.Optional(DnsLabel),
    uid: Type.Optional(Type.String()),
    resourceVersion: Type.Optional(Type.String()),
    generation: Type.Optional(Type.Integer({ minimum: 0 })),
    creationTimestamp: Type.Optional(Type.String()),
    deletionTimestamp: Type.Optional(Type.String()),
    labels: Type.Optional(Labels),
    annotations: Type.Optional(Labels),
  }),
);

/** A whole object with a spec. */
export function objectOf<V extends string, K extends string, S extends TSchema>(apiVersion: V, kind: K, spec: S) {
  return closed({
    apiVersion: Type.Literal(apiVersion),
    kind: Type.Literal(kind),
    metadata: Metadata,
    spec,
    status: Type.Optional(Type.Unknown()),
  });
}
