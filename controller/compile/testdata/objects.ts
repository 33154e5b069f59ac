// Short constructors of objects for the compiler's tests, in the form that an API server returns.
import type { KubernetesObject } from '#api/k8s/object.ts';
import type { Change } from '../../watch/event.ts';

export const CONTROLLER = 'gateway.weir.dev/controller';

type Spec = Readonly<Record<string, unknown>>;
const GATEWAY_API = 'gateway.networking.k8s.io/v1';

/** An object of any kind; namespace '' for cluster-scoped kinds. */
function object(apiVersion: string, kind: string, namespace: string, name: string, rest: Spec): KubernetesObject {
  const metadata = { name, ...(namespace === '' ? {} : { namespace }), generation: 1 };
  return { apiVersion, kind, metadata, ...rest };
}

export function gatewayClass(name = 'weir', controllerName = CONTROLLER): KubernetesObject {
  return object(GATEWAY_API, 'GatewayClass', '', name, { spec: { controllerName } });
}

export function gateway(name: string, listeners: readonly Spec[], gatewayClassName = 'weir', rest: Spec = {}): KubernetesObject {
  return object(GATEWAY_API, 'Gateway', 'infra', name, { spec: { gatewayClassName, listeners, ...rest } });
}

/** A ListenerSet whose parent is the Gateway of this name. */
export function listenerSet(namespaceName: string, name: string, parent: string, listeners: readonly Spec[]): KubernetesObject {
  return object(GATEWAY_API, 'ListenerSet', namespaceName, name, { spec: { parentRef: { name: parent, namespace: 'infra' }, listeners } });
}

export function httpRoute(namespace: string, name: string, spec: Spec): KubernetesObject {
  return object(GATEWAY_API, 'HTTPRoute', namespace, name, { spec });
}

export function grpcRoute(namespace: string, name: string, spec: Spec): KubernetesObject {
  return object(GATEWAY_API, 'GRPCRoute', namespace, name, { spec });
}

/** A ClientTrafficPolicy or BackendTrafficPolicy. */
export function policy(kind: string, namespace: string, name: string, spec: Spec): KubernetesObject {
  return object('gateway.weir.dev/v1alpha1', kind, namespace, name, { spec });
}

export function service(namespace: string, name: string, spec: Spec = { ports: [{ port: 80 }] }): KubernetesObject {
  return object('v1', 'Service', namespace, name, { spec });
}

/** A slice `<service>-<suffix>` with these addresses on port 3000. */
export function endpointSlice(namespace: string, serviceName: string, suffix: string, addresses: readonly string[]): KubernetesObject {
  const slice = object('discovery.k8s.io/v1', 'EndpointSlice', namespace, `${serviceName}-${suffix}`, {
    addressType: 'IPv4',
    ports: [{ port: 3000 }],
    endpoints: addresses.map((address) => ({ addresses: [address] })),
  });
  return { ...slice, metadata: { ...slice.metadata, labels: { 'kubernetes.io/service-name': serviceName } } };
}

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}): KubernetesObject {
  const made = object('v1', 'Namespace', '', name, {});
  return { ...made, metadata: { ...made.metadata, labels } };
}

export function referenceGrant(namespaceName: string, name: string, fromNamespace: string, toKind: string): KubernetesObject {
  return object('gateway.networking.k8s.io/v1beta1', 'ReferenceGrant', namespaceName, name, {
    spec: {
      from: ['HTTPRoute', 'Gateway', 'ListenerSet'].map((kind) => ({ group: 'gateway.networking.k8s.io', kind, namespace: fromNamespace })),
      to: [{ group: '', kind: toKind }],
    },
  });
}

export function tlsSecret(namespaceName: string, name: string, certificate: string, key: string): KubernetesObject {
  return object('v1', 'Secret', namespaceName, name, { type: 'kubernetes.io/tls', stringData: { 'tls.crt': certificate, 'tls.key': key } });
}

export function upsert(made: KubernetesObject): Change {
  return { type: 'upsert', object: made };
}

export function remove(made: KubernetesObject): Change {
  const { name, namespace: namespaceName = '' } = made.metadata;
  return { type: 'delete', ref: { kind: made.kind, namespace: namespaceName, name } };
}
