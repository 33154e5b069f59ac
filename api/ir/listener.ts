// A listener: one entry of spec.listeners of a Gateway or a ListenerSet, in the form that a proxy uses.
import { Type, type Static } from '#lib/typebox.ts';
import { gatewayName, parseListenerKey } from './listener-key.ts';
import { resourceId } from './resource-id.ts';
import { SESSION_KEYS } from './session-keys.ts';
import { objectName, type References, type ResourceKindOf, type ResourceOrigin } from './resource-kind.ts';
import { TlsSettings } from './tls-settings.ts';

/** The protocol of a listener, as in the Gateway API. */
export const ListenerProtocol = Type.Union([
  Type.Literal('HTTP'),
  Type.Literal('HTTPS'),
  Type.Literal('TLS'),
  Type.Literal('TCP'),
  Type.Literal('UDP'),
]);
export type ListenerProtocol = Static<typeof ListenerProtocol>;

/** GEP-91. `AllowValidOnly` ends handshakes without a valid certificate; `AllowInsecureFallback` accepts them. */
export const ClientValidation = Type.Object(
  {
    mode: Type.Union([Type.Literal('AllowValidOnly'), Type.Literal('AllowInsecureFallback')]),
    /** Keys of TrustBundle resources. A certificate is valid if it chains to one of them. */
    authorities: Type.Array(Type.String(), { minItems: 1 }),
  },
  { additionalProperties: false },
);
export type ClientValidation = Static<typeof ClientValidation>;

/** TLS of a listener. `certificates` are keys of Secret resources, in the order of the user's certificateRefs. */
export const ListenerTls = Type.Object(
  {
    mode: Type.Union([Type.Literal('Terminate'), Type.Literal('Passthrough')]),
    certificates: Type.Array(Type.String()),
    /** Absent: the proxy requests no client certificate. */
    clientValidation: Type.Optional(ClientValidation),
    /** Absent: the defaults of the proxy. */
    settings: Type.Optional(TlsSettings),
  },
  { additionalProperties: false },
);
export type ListenerTls = Static<typeof ListenerTls>;

/**
 * One listener of a Gateway or of one of its ListenerSets. The key is described in listener-key.ts. Listeners may share a port; the proxy
 * tells them apart by host name (SNI and Host).
 */
export const Listener = Type.Object(
  {
    kind: Type.Literal('Listener'),
    key: Type.String({ minLength: 1 }),
    /** `<namespace>/<name>` of its Gateway. */
    gateway: Type.String({ minLength: 1 }),
    /** IP addresses to bind; empty: all addresses of the pod. */
    addresses: Type.Array(Type.String()),
    port: Type.Integer({ minimum: 1, maximum: 65535 }),
    protocol: ListenerProtocol,
    /** '' (any host), an exact name, or `*.suffix`, in lower case. */
    hostname: Type.String(),
    tls: Type.Union([ListenerTls, Type.Null()]),
    /** Key of the Secret that the proxy presents to TLS backends for requests and connections of this listener. Absent: none. */
    clientCertificate: Type.Optional(Type.String()),
    /**
     * The reason why the listener cannot be served. It keeps its host name: the proxy accepts no request for it, and no less specific
     * listener of the port answers instead. Absent: the listener is served.
     */
    unserved: Type.Optional(Type.String({ minLength: 1 })),
  },
  { additionalProperties: false },
);
export type Listener = Static<typeof Listener>;

export const listenerKind: ResourceKindOf<typeof Listener> = {
  kind: 'Listener',
  schema: Listener,
  origin: originOfListener,
  hasStatus: true,
  references: { from: 'content', read: referencesOfListener },
  additions: [
    // The former release has no resource for a listener that cannot be served.
    { capability: 'listener-claims', path: 'unserved', otherwise: 'remove' },
  ],
};

function originOfListener(key: string): ResourceOrigin {
  const { gateway, listenerSet, listener } = parseListenerKey(key);
  return { ref: listenerSet === null ? { kind: 'Gateway', ...gateway } : { kind: 'ListenerSet', ...listenerSet }, part: listener };
}

/** The Gateway needs its listeners. A listener needs its routes (by its own id), its ListenerSet, Secrets and trust bundles, and the keys of sessions. */
function referencesOfListener({ key, gateway, tls, clientCertificate }: Listener): References {
  const { certificates = [], clientValidation } = tls ?? {};
  const secrets = clientCertificate === undefined ? certificates : [...certificates, clientCertificate];
  const { listenerSet } = parseListenerKey(key);
  const needs = [
    resourceId('Listener', key),
    ...(listenerSet === null ? [] : [objectName({ kind: 'ListenerSet', ...listenerSet })]),
    ...secrets.map((secret) => resourceId('Secret', secret)),
    ...(clientValidation?.authorities ?? []).map((bundle) => resourceId('TrustBundle', bundle)),
    resourceId('SessionKeys', SESSION_KEYS),
  ];
  return { names: [gatewayName(gateway)], needs: [...new Set(needs)] };
}
