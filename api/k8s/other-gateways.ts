// Kinds that configure other gateways: a folder that moves to Weir may have them, and with them traffic that Weir would not serve.

const MIGRATION = 'docs/guides/migration.md shows what takes its place';

/** The owner of the kinds, by API group. */
const OWNERS: ReadonlyMap<string, string> = new Map([
  ['traefik.io', 'Traefik'],
  ['traefik.containo.us', 'Traefik'],
  ['projectcontour.io', 'Contour'],
  ['networking.istio.io', 'Istio'],
  ['security.istio.io', 'Istio'],
  ['gateway.envoyproxy.io', 'Envoy Gateway'],
  ['configuration.konghq.com', 'Kong'],
  ['gateway.nginx.org', 'NGINX Gateway Fabric'],
  ['k8s.nginx.org', 'NGINX Ingress Controller'],
  ['getambassador.io', 'Emissary'],
  ['gateway.kgateway.dev', 'kgateway'],
  ['gateway.solo.io', 'Gloo'],
  ['apisix.apache.org', 'APISIX'],
  ['ingress.v1.haproxy.org', 'HAProxy Ingress Controller'],
]);

/** Groups of Kubernetes that have an Ingress. */
const INGRESS_GROUPS: ReadonlySet<string> = new Set(['networking.k8s.io', 'extensions']);
const INGRESS_KINDS: ReadonlySet<string> = new Set(['Ingress', 'IngressClass']);

/** The owner of the kind and the page to read, as a sentence after the kind; null for kinds that configure no gateway. */
export function otherGateway(apiVersion: string, kind: string): string | null {
  const group = apiVersion.split('/', 1)[0] ?? '';
  if (INGRESS_GROUPS.has(group) && INGRESS_KINDS.has(kind))
    return `${kind} is a kind for ingress controllers, and Weir does not serve it; ${MIGRATION}`;
  const owner = OWNERS.get(group);
  return owner === undefined ? null : `${kind} is a kind of ${owner} (${group}), and Weir does not serve it; ${MIGRATION}`;
}
