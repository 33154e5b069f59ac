// The Redis of dedicated proxies: flags without secrets, and the Secrets and the ConfigMap as one volume.
//
// Kubernetes changes mounted files when an object changes, and proxies notice. Every part is optional: a proxy starts without a Secret that
// is missing, and its limits in Redis follow their onError.
import type { RedisParameters } from '#api/k8s/gateway-parameters.ts';
import { fromObject, type Fields } from './manifest.ts';

const FOLDER = '/etc/weir/redis';
const SCHEMES = { Single: '', Cluster: '+cluster', Sentinel: '+sentinel' } as const;

/** The flags of a proxy. */
export function redisFlags(redis: RedisParameters | undefined): readonly (readonly [string, string])[] {
  if (redis === undefined) return [];
  const { userSecretRef, passwordSecretRef, tls = {}, timeout } = redis;
  const { caConfigMapRef = tls.caSecretRef, certificateSecretName } = tls;
  const files = {
    'redis-user-file': userSecretRef === undefined ? '' : 'user',
    'redis-password-file': passwordSecretRef === undefined ? '' : 'password',
    'redis-tls-ca': caConfigMapRef === undefined ? '' : 'ca.crt',
    'redis-tls-cert': certificateSecretName === undefined ? '' : 'tls.crt',
    'redis-tls-key': certificateSecretName === undefined ? '' : 'tls.key',
  };
  return [
    ['redis-url', urlOf(redis)],
    ...Object.entries(files).flatMap(([flag, file]) => (file === '' ? [] : [[flag, `${FOLDER}/${file}`] as const])),
    ...(timeout === undefined ? [] : [['redis-timeout', timeout] as const]),
  ];
}

function urlOf({ mode = 'Single', addresses, masterName, database, tls }: RedisParameters): string {
  const end = masterName ?? (database === undefined ? undefined : String(database));
  return `redis${tls === undefined ? '' : 's'}${SCHEMES[mode]}://${addresses.join(',')}${end === undefined ? '' : `/${end}`}`;
}

/** The volume with all files of these flags; empty if there are none. */
export function redisVolumes(redis: RedisParameters | undefined): readonly Fields[] {
  const sources = redis === undefined ? [] : sourcesOf(redis);
  return sources.length === 0 ? [] : [{ name: 'redis', projected: { defaultMode: 0o440, sources } }];
}

/** The mount of that volume. */
export function redisMounts(redis: RedisParameters | undefined): readonly Fields[] {
  return redisVolumes(redis).map(() => ({ name: 'redis', mountPath: FOLDER, readOnly: true }));
}

function sourcesOf({ userSecretRef, passwordSecretRef, tls = {} }: RedisParameters): readonly Fields[] {
  const { caConfigMapRef, caSecretRef, certificateSecretName: pair } = tls;
  return [
    ...fromObject('secret', userSecretRef, 'user'),
    ...fromObject('secret', passwordSecretRef, 'password'),
    ...fromObject('configMap', caConfigMapRef, 'ca.crt'),
    ...fromObject('secret', caSecretRef, 'ca.crt'),
    ...(pair === undefined ? [] : ['tls.crt', 'tls.key'].flatMap((key) => fromObject('secret', { name: pair, key }, key))),
  ];
}
