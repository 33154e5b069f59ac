// The features of the Gateway API that Weir supports, as named by the conformance suite (GatewayClass.status.supportedFeatures).
import { groupOf, KINDS, type KindInfo } from '#api/k8s/kinds.ts';
import type { FleetMode } from '#api/k8s/k8s.ts';
import { BUNDLE_CHANNEL, GATEWAY_GROUP } from '#api/k8s/schema.ts';
import type { View } from './view.ts';

/** Sorted, as the status requires. */
const FEATURES: readonly string[] = [
  'BackendTLSPolicy',
  'BackendTLSPolicySANValidation',
  'GRPCRoute',
  'GRPCRouteNamedRouteRule',
  'Gateway',
  'GatewayAddressEmpty',
  'GatewayBackendClientCertificate',
  'GatewayFrontendClientCertificateValidation',
  'GatewayFrontendClientCertificateValidationInsecureFallback',
  'GatewayHTTPListenerIsolation',
  'GatewayHTTPSListenerDetectMisdirectedRequests',
  'GatewayPort8080',
  'HTTPRoute',
  'HTTPRoute303RedirectStatusCode',
  'HTTPRoute307RedirectStatusCode',
  'HTTPRoute308RedirectStatusCode',
  'HTTPRouteBackendProtocolH2C',
  'HTTPRouteBackendProtocolWebSocket',
  'HTTPRouteBackendRequestHeaderModification',
  'HTTPRouteBackendTimeout',
  'HTTPRouteCORS',
  'HTTPRouteDestinationPortMatching',
  'HTTPRouteHostRewrite',
  'HTTPRouteMethodMatching',
  'HTTPRouteNamedRouteRule',
  'HTTPRouteParentRefPort',
  'HTTPRoutePathRedirect',
  'HTTPRoutePathRewrite',
  'HTTPRoutePortRedirect',
  'HTTPRouteQueryParamMatching',
  'HTTPRouteRequestMirror',
  'HTTPRouteRequestMultipleMirrors',
  'HTTPRouteRequestPercentageMirror',
  'HTTPRouteRequestTimeout',
  'HTTPRouteResponseHeaderModification',
  'HTTPRouteRetry',
  'HTTPRouteRetryBackendTimeout',
  'HTTPRouteRetryConnectionError',
  'HTTPRouteSchemeRedirect',
  'ListenerSet',
  'ReferenceGrant',
  'TCPRoute',
  'TLSRoute',
  'TLSRouteModeMixed',
  'TLSRouteModeTerminate',
  'UDPRoute',
];

/** Features that need dedicated proxies. */
const OF_FLEETS: readonly string[] = ['GatewayInfrastructure', 'GatewayStaticAddresses'];

/** Features that need fields of the experimental channel. */
const OF_EXPERIMENTAL_FIELDS: ReadonlySet<string> = new Set([
  'HTTPRouteRetry',
  'HTTPRouteRetryBackendTimeout',
  'HTTPRouteRetryConnectionError',
]);

const ROUTE_DEFINITION = definitionOf(KINDS.HTTPRoute);

/** The features of a class with this mode, limited to those of the installed CRDs. Sorted. */
export function supportedFeatures(view: View, mode: FleetMode): readonly string[] {
  const all = mode === 'PerGateway' ? [...FEATURES, ...OF_FLEETS].sort() : FEATURES;
  const definitions = new Map(view.list('definitionsByGroup', GATEWAY_GROUP).map((one) => [one.metadata.name, one.metadata]));
  if (definitions.size === 0) return all;
  const missing = Object.values(KINDS).filter((kind) => groupOf(kind.apiVersion) === GATEWAY_GROUP && !definitions.has(definitionOf(kind)));
  const isStandard = definitions.get(ROUTE_DEFINITION)?.annotations?.[BUNDLE_CHANNEL] === 'standard';
  return all.filter(
    (feature) => !missing.some(({ kind }) => feature.startsWith(kind)) && !(isStandard && OF_EXPERIMENTAL_FIELDS.has(feature)),
  );
}

/** The name of the CRD that defines a kind. */
function definitionOf({ plural, apiVersion }: KindInfo): string {
  return `${plural}.${groupOf(apiVersion)}`;
}
