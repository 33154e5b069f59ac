// Gateway: the listeners that a user requests, and the routes that may attach to them.
import { Type, type Static } from '#lib/typebox.ts';
import { LabelSelector, LocalReference, ObjectReference, SecretReference } from './reference.ts';
import { closed, DnsName, GATEWAY_GROUP, Group, HostnameOrAny, Kind, objectOf, Port, unsupported } from './schema.ts';

/** Protocols outside the Gateway API have a domain prefix, so any string is accepted here. */
const Protocol = Type.String({ minLength: 1, maxLength: 255 });

/** The namespaces whose routes may attach. */
export const RouteNamespaces = closed(
  {
    from: Type.Enum(['All', 'Selector', 'Same'], { default: 'Same' }),
    selector: Type.Optional(LabelSelector),
  },
  { default: {} },
);
export type RouteNamespaces = Static<typeof RouteNamespaces>;

/** The namespaces whose ListenerSets may add listeners (GEP-1713). */
export const ListenerNamespaces = closed(
  {
    from: Type.Enum(['All', 'Selector', 'Same', 'None'], { default: 'None' }),
    selector: Type.Optional(LabelSelector),
  },
  { default: {} },
);
export type ListenerNamespaces = Static<typeof ListenerNamespaces>;

/** Absent kinds: those of the protocol. */
export const AllowedRoutes = closed(
  {
    namespaces: RouteNamespaces,
    kinds: Type.Array(closed({ group: Type.String({ ...Group, default: GATEWAY_GROUP }), kind: Kind }), { default: [], maxItems: 8 }),
  },
  { default: {} },
);
export type AllowedRoutes = Static<typeof AllowedRoutes>;

export const ListenerTls = closed({
  mode: Type.Enum(['Terminate', 'Passthrough'], { default: 'Terminate' }),
  certificateRefs: Type.Array(SecretReference, { default: [], maxItems: 64 }),
  options: Type.Record(Type.String(), Type.String(), { default: {} }),
});
export type ListenerTls = Static<typeof ListenerTls>;

export const Listener = closed({
  name: DnsName,
  hostname: Type.String({ ...HostnameOrAny, default: '' }),
  port: Port,
  protocol: Protocol,
  tls: Type.Optional(ListenerTls),
  allowedRoutes: AllowedRoutes,
});
export type Listener = Static<typeof Listener>;

/** GEP-91: the authorities for certificates of clients of HTTPS listeners. */
export const FrontendValidation = closed({
  caCertificateRefs: Type.Array(ObjectReference, { minItems: 1, maxItems: 16 }),
  mode: Type.Enum(['AllowValidOnly', 'AllowInsecureFallback'], { default: 'AllowValidOnly' }),
});
export type FrontendValidation = Static<typeof FrontendValidation>;

const FrontendTls = closed({ validation: Type.Optional(FrontendValidation) });

/** For the HTTPS listeners of a port, `perPort` replaces `default` as a whole. */
export const GatewayTls = closed({
  /** The certificate that the proxy presents to backends that request one. */
  backend: Type.Optional(closed({ clientCertificateRef: Type.Optional(SecretReference) })),
  frontend: Type.Optional(
    closed({ default: FrontendTls, perPort: Type.Array(closed({ port: Port, tls: FrontendTls }), { default: [], maxItems: 64 }) }),
  ),
});
export type GatewayTls = Static<typeof GatewayTls>;

/** An empty value requests any address of the type. */
export const GatewayAddress = closed({
  type: Type.String({ default: 'IPAddress', minLength: 1, maxLength: 253 }),
  value: Type.String({ default: '', maxLength: 253 }),
});
export type GatewayAddress = Static<typeof GatewayAddress>;

/** GEP-1867: labels and annotations for all objects that the controller creates for the Gateway. */
const InfrastructureTexts = Type.Optional(Type.Record(Type.String(), Type.String()));

export const Gateway = objectOf(
  `${GATEWAY_GROUP}/v1`,
  'Gateway',
  closed({
    gatewayClassName: DnsName,
    listeners: Type.Array(Listener, { minItems: 1, maxItems: 64 }),
    addresses: Type.Array(GatewayAddress, { default: [], maxItems: 16 }),
    infrastructure: Type.Optional(
      closed({ parametersRef: Type.Optional(LocalReference), labels: InfrastructureTexts, annotations: InfrastructureTexts }),
    ),
    tls: Type.Optional(GatewayTls),
    allowedListeners: closed({ namespaces: ListenerNamespaces }, { default: {} }),
    ...unsupported('defaultScope'),
  }),
);
export type Gateway = Static<typeof Gateway>;
