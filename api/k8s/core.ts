// The kinds of Kubernetes itself that Weir reads: Service, EndpointSlice, Secret, ConfigMap, Namespace, CustomResourceDefinition.
import { Type, type Static } from '#lib/typebox.ts';
import { closed, Metadata, objectOf, Port, unread, unsupported } from './schema.ts';

const PortName = Type.String({ default: '', maxLength: 63 });
const TransportProtocol = Type.Enum(['TCP', 'UDP', 'SCTP'], { default: 'TCP' });

export const ServicePort = closed({
  name: PortName,
  protocol: TransportProtocol,
  appProtocol: Type.Optional(Type.String()),
  port: Port,
  ...unread('targetPort', 'nodePort'),
});
export type ServicePort = Static<typeof ServicePort>;

export const Service = objectOf(
  'v1',
  'Service',
  closed(
    {
      type: Type.Enum(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'], { default: 'ClusterIP' }),
      ports: Type.Array(ServicePort, { default: [] }),
      clusterIPs: Type.Optional(Type.Array(Type.String())),
      ipFamilies: Type.Optional(Type.Array(Type.String())),
      externalName: Type.Optional(Type.String()),
      ...unread('selector', 'clusterIP', 'externalIPs'),
      ...unread('sessionAffinityConfig'),
      ...unsupported('sessionAffinity'),
      ...unread('externalTrafficPolicy', 'internalTrafficPolicy', 'healthCheckNodePort', 'publishNotReadyAddresses', 'trafficDistribution'),
      ...unread('ipFamilyPolicy', 'allocateLoadBalancerNodePorts', 'loadBalancerClass', 'loadBalancerIP'),
      ...unread('loadBalancerSourceRanges'),
    },
    { default: {} },
  ),
);
export type Service = Static<typeof Service>;

/** Absent conditions mean ready, serving and not terminating. */
export const SliceEndpoint = closed({
  addresses: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 100 }),
  conditions: closed(
    { ready: Type.Optional(Type.Boolean()), serving: Type.Optional(Type.Boolean()), terminating: Type.Optional(Type.Boolean()) },
    { default: {} },
  ),
  zone: Type.Optional(Type.String()),
  hints: Type.Optional(
    closed({ forZones: Type.Array(closed({ name: Type.String() }), { default: [], maxItems: 8 }), ...unread('forNodes') }),
  ),
  ...unread('hostname', 'targetRef', 'nodeName', 'deprecatedTopology'),
});
export type SliceEndpoint = Static<typeof SliceEndpoint>;

export const EndpointSlice = closed({
  apiVersion: Type.Literal('discovery.k8s.io/v1'),
  kind: Type.Literal('EndpointSlice'),
  metadata: Metadata,
  addressType: Type.Enum(['IPv4', 'IPv6', 'FQDN']),
  endpoints: Type.Array(SliceEndpoint, { default: [] }),
  ports: Type.Array(closed({ name: PortName, protocol: TransportProtocol, port: Type.Optional(Port), ...unread('appProtocol') }), {
    default: [],
  }),
});
export type EndpointSlice = Static<typeof EndpointSlice>;

/** `data` is base64. `stringData` (in files only: an API server merges it into data) takes precedence. */
export const Secret = closed({
  apiVersion: Type.Literal('v1'),
  kind: Type.Literal('Secret'),
  metadata: Metadata,
  type: Type.String({ default: 'Opaque' }),
  data: Type.Record(Type.String(), Type.String(), { default: {} }),
  stringData: Type.Record(Type.String(), Type.String(), { default: {} }),
  immutable: Type.Optional(Type.Boolean()),
});
export type Secret = Static<typeof Secret>;

/** `binaryData` is base64, and holds what is no text. No name is in both. */
export const ConfigMap = closed({
  apiVersion: Type.Literal('v1'),
  kind: Type.Literal('ConfigMap'),
  metadata: Metadata,
  data: Type.Record(Type.String(), Type.String(), { default: {} }),
  binaryData: Type.Record(Type.String(), Type.String(), { default: {} }),
  immutable: Type.Optional(Type.Boolean()),
});
export type ConfigMap = Static<typeof ConfigMap>;

export const Namespace = closed({
  apiVersion: Type.Literal('v1'),
  kind: Type.Literal('Namespace'),
  metadata: Metadata,
  ...unread('spec', 'status'),
});
export type Namespace = Static<typeof Namespace>;

/** Weir reads the CRDs of the Gateway API only for the annotations with their release. */
export const CustomResourceDefinition = closed({
  apiVersion: Type.Literal('apiextensions.k8s.io/v1'),
  kind: Type.Literal('CustomResourceDefinition'),
  metadata: Metadata,
  ...unread('spec', 'status'),
});
export type CustomResourceDefinition = Static<typeof CustomResourceDefinition>;
