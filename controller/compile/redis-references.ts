// The Secrets and the ConfigMap that the Redis of dedicated proxies needs: proxies mount them, and a missing one becomes a condition.
import type { RedisParameters } from '#api/k8s/gateway-parameters.ts';
import { entry, readSecret } from './secret-entry.ts';
import type { View } from './view.ts';

/** An entry of an object in the namespace of the Gateway. */
interface Reference {
  readonly field: string;
  readonly kind: 'Secret' | 'ConfigMap';
  readonly name: string;
  readonly key: string;
}

/** Why the first reference that leads nowhere does so; null if all are good. */
export function redisProblem(view: View, namespace: string, redis: RedisParameters | undefined): string | null {
  for (const { field, kind, name, key } of redis === undefined ? [] : referencesOf(redis)) {
    const id = `${kind}/${namespace}/${name}`;
    const problem = kind === 'Secret' ? secretProblem(view, namespace, name, key) : configMapProblem(view, namespace, name, key);
    if (problem !== null)
      return `GatewayParameters spec.redis.${field}: ${id} ${problem}; limits in Redis follow their onError until it is there`;
  }
  return null;
}

function referencesOf({ userSecretRef, passwordSecretRef, tls = {} }: RedisParameters): readonly Reference[] {
  const { caConfigMapRef, caSecretRef, certificateSecretName: certificate } = tls;
  const named = { userSecretRef, passwordSecretRef, 'tls.caSecretRef': caSecretRef, 'tls.caConfigMapRef': caConfigMapRef };
  const entries = Object.entries(named).flatMap(([field, ref]) => {
    const kind = field === 'tls.caConfigMapRef' ? ('ConfigMap' as const) : ('Secret' as const);
    return ref === undefined ? [] : [{ field, kind, ...ref }];
  });
  const pair = certificate === undefined ? [] : ['tls.crt', 'tls.key'];
  return [
    ...entries,
    ...pair.map((key) => ({ field: 'tls.certificateSecretName', kind: 'Secret' as const, name: certificate ?? '', key })),
  ];
}

function secretProblem(view: View, namespace: string, name: string, key: string): string | null {
  const secret = readSecret(view, namespace, name);
  if (!secret.ok) return secret.error;
  return entry(secret.value, key) === '' ? `has no ${key}` : null;
}

function configMapProblem(view: View, namespace: string, name: string, key: string): string | null {
  const configMap = view.object('ConfigMap', namespace, name);
  if (configMap === undefined) return 'does not exist';
  return Object.hasOwn(configMap.data, key) && configMap.data[key] !== '' ? null : `has no ${key}`;
}
