// The table of the kinds that Weir reads: their names in the API and the schemas of their objects.
import type { TSchema } from '#lib/typebox.ts';
import { AlertRule } from './alert-rule.ts';
import { Backend } from './backend.ts';
import { BackendTlsPolicy } from './backend-tls-policy.ts';
import { Consumer } from './consumer.ts';
import { ConfigMap, CustomResourceDefinition, EndpointSlice, Namespace, Secret, Service } from './core.ts';
import { GatewayParameters } from './gateway-parameters.ts';
import { GatewayClass } from './gateway-class.ts';
import { Gateway } from './gateway.ts';
import { GrpcRoute } from './grpc-route.ts';
import { HttpRoute } from './http-route.ts';
import { ListenerSet } from './listener-set.ts';
import { NotificationChannel } from './notification-channel.ts';
import { ReferenceGrant } from './reference-grant.ts';
import { POLICIES, type PolicyKindName, type PolicyObjects } from './policies.ts';
import { GATEWAY_GROUP, WEIR_GROUP } from './schema.ts';
import { TcpRoute } from './tcp-route.ts';
import { TlsRoute } from './tls-route.ts';
import { UdpRoute } from './udp-route.ts';

/** The properties of a kind for watchers, validators and clients. */
export interface KindInfo {
  readonly apiVersion: string;
  /** Other versions of the same schema, which objects from files may have. */
  readonly alsoVersions: readonly string[];
  readonly kind: string;
  /** The name in URLs. */
  readonly plural: string;
  readonly namespaced: boolean;
  readonly schema: TSchema;
}

/** The type of the objects of each kind. */
export interface ObjectsByKind extends PolicyObjects {
  GatewayClass: GatewayClass;
  Gateway: Gateway;
  ListenerSet: ListenerSet;
  HTTPRoute: HttpRoute;
  GRPCRoute: GrpcRoute;
  TCPRoute: TcpRoute;
  TLSRoute: TlsRoute;
  UDPRoute: UdpRoute;
  ReferenceGrant: ReferenceGrant;
  GatewayParameters: GatewayParameters;
  Backend: Backend;
  BackendTLSPolicy: BackendTlsPolicy;
  Consumer: Consumer;
  AlertRule: AlertRule;
  NotificationChannel: NotificationChannel;
  Service: Service;
  EndpointSlice: EndpointSlice;
  Secret: Secret;
  ConfigMap: ConfigMap;
  Namespace: Namespace;
  CustomResourceDefinition: CustomResourceDefinition;
}

/** A kind that Weir reads. */
export type KindName = keyof ObjectsByKind;

const gatewayV1 = { apiVersion: `${GATEWAY_GROUP}/v1`, alsoVersions: [`${GATEWAY_GROUP}/v1beta1`] };
const weirV1 = { apiVersion: `${WEIR_GROUP}/v1alpha1`, alsoVersions: [] };
const coreV1 = { apiVersion: 'v1', alsoVersions: [] };

const policyKinds = Object.fromEntries(
  POLICIES.map(({ apiVersion, kind, plural, schema }) => [kind, { apiVersion, alsoVersions: [], kind, plural, namespaced: true, schema }]),
) as unknown as Readonly<Record<PolicyKindName, KindInfo>>;

/** Every kind that Weir reads. ReferenceGrant is stored as v1beta1; it is served as v1 only since Gateway API 1.5. */
export const KINDS: Readonly<Record<KindName, KindInfo>> = {
  GatewayClass: { ...gatewayV1, kind: 'GatewayClass', plural: 'gatewayclasses', namespaced: false, schema: GatewayClass },
  Gateway: { ...gatewayV1, kind: 'Gateway', plural: 'gateways', namespaced: true, schema: Gateway },
  ListenerSet: {
    apiVersion: `${GATEWAY_GROUP}/v1`,
    alsoVersions: [],
    kind: 'ListenerSet',
    plural: 'listenersets',
    namespaced: true,
    schema: ListenerSet,
  },
  HTTPRoute: { ...gatewayV1, kind: 'HTTPRoute', plural: 'httproutes', namespaced: true, schema: HttpRoute },
  GRPCRoute: {
    apiVersion: `${GATEWAY_GROUP}/v1`,
    alsoVersions: [`${GATEWAY_GROUP}/v1alpha2`],
    kind: 'GRPCRoute',
    plural: 'grpcroutes',
    namespaced: true,
    schema: GrpcRoute,
  },
  TCPRoute: {
    apiVersion: `${GATEWAY_GROUP}/v1`,
    alsoVersions: [`${GATEWAY_GROUP}/v1alpha2`],
    kind: 'TCPRoute',
    plural: 'tcproutes',
    namespaced: true,
    schema: TcpRoute,
  },
  TLSRoute: {
    apiVersion: `${GATEWAY_GROUP}/v1`,
    alsoVersions: [`${GATEWAY_GROUP}/v1alpha3`, `${GATEWAY_GROUP}/v1alpha2`],
    kind: 'TLSRoute',
    plural: 'tlsroutes',
    namespaced: true,
    schema: TlsRoute,
  },
  UDPRoute: {
    apiVersion: `${GATEWAY_GROUP}/v1`,
    alsoVersions: [`${GATEWAY_GROUP}/v1alpha2`],
    kind: 'UDPRoute',
    plural: 'udproutes',
    namespaced: true,
    schema: UdpRoute,
  },
  ReferenceGrant: {
    apiVersion: `${GATEWAY_GROUP}/v1beta1`,
    alsoVersions: [`${GATEWAY_GROUP}/v1`],
    kind: 'ReferenceGrant',
    plural: 'referencegrants',
    namespaced: true,
    schema: ReferenceGrant,
  },
  ...policyKinds,
  GatewayParameters: { ...weirV1, kind: 'GatewayParameters', plural: 'gatewayparameters', namespaced: true, schema: GatewayParameters },
  Backend: { ...weirV1, kind: 'Backend', plural: 'backends', namespaced: true, schema: Backend },
  Consumer: { ...weirV1, kind: 'Consumer', plural: 'consumers', namespaced: true, schema: Consumer },
  AlertRule: { ...weirV1, kind: 'AlertRule', plural: 'alertrules', namespaced: true, schema: AlertRule },
  NotificationChannel: {
    ...weirV1,
    kind: 'NotificationChannel',
    plural: 'notificationchannels',
    namespaced: true,
    schema: NotificationChannel,
  },
  BackendTLSPolicy: {
    apiVersion: `${GATEWAY_GROUP}/v1`,
    alsoVersions: [`${GATEWAY_GROUP}/v1alpha3`],
    kind: 'BackendTLSPolicy',
    plural: 'backendtlspolicies',
    namespaced: true,
    schema: BackendTlsPolicy,
  },
  Service: { ...coreV1, kind: 'Service', plural: 'services', namespaced: true, schema: Service },
  EndpointSlice: {
    apiVersion: 'discovery.k8s.io/v1',
    alsoVersions: [],
    kind: 'EndpointSlice',
    plural: 'endpointslices',
    namespaced: true,
    schema: EndpointSlice,
  },
  Secret: { ...coreV1, kind: 'Secret', plural: 'secrets', namespaced: true, schema: Secret },
  ConfigMap: { ...coreV1, kind: 'ConfigMap', plural: 'configmaps', namespaced: true, schema: ConfigMap },
  Namespace: { ...coreV1, kind: 'Namespace', plural: 'namespaces', namespaced: false, schema: Namespace },
  CustomResourceDefinition: {
    apiVersion: 'apiextensions.k8s.io/v1',
    alsoVersions: [],
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    namespaced: false,
    schema: CustomResourceDefinition,
  },
};

/** Kinds of routes: several controllers write their statuses, each its own entries. */
export const ROUTE_KINDS: ReadonlySet<string> = new Set<KindName>(['HTTPRoute', 'GRPCRoute', 'TCPRoute', 'TLSRoute', 'UDPRoute']);

/** Kinds of policies: statuses have an entry for each ancestor and controller. */
export const POLICY_KINDS: ReadonlySet<string> = new Set<string>(['BackendTLSPolicy', ...POLICIES.map(({ kind }) => kind)]);

/** The kind of that name if Weir reads it in that API version. */
export function kindOf(apiVersion: string, kind: string): KindInfo | undefined {
  if (!Object.hasOwn(KINDS, kind)) return undefined;
  const info = KINDS[kind as KindName];
  return info.apiVersion === apiVersion || info.alsoVersions.includes(apiVersion) ? info : undefined;
}

/** `group` of an apiVersion; '' for the core group. */
export function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}
