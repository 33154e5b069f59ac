// The references of spec.redis of GatewayParameters: a missing one becomes a condition of the Gateway, and its proxies run on.
import { expect, test } from '@jest/globals';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { Compiler } from './compile.ts';

const CACHE = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'cache', namespace: 'infra' },
  stringData: { user: 'weir', password: 'secret', empty: '' },
  data: {},
};
const TRUST = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'trust', namespace: 'infra' }, data: { ca: 'a CA' } };

function compiled(redis: object, fleet = 'PerGateway'): Compiler {
  const compiler = new Compiler({ controllerName: 'gateway.weir.dev/controller', fleets: { byDefault: 'Shared', lacks: '' } });
  const parametersRef = { group: 'gateway.weir.dev', kind: 'GatewayParameters', name: 'own' };
  const listeners = [{ name: 'http', port: 80, protocol: 'HTTP' }];
  const objects = [
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'GatewayClass',
      metadata: { name: 'weir' },
      spec: { controllerName: 'gateway.weir.dev/controller' },
    },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: 'web', namespace: 'infra', uid: 'a' },
      spec: { gatewayClassName: 'weir', infrastructure: { parametersRef }, listeners },
    },
    {
      apiVersion: 'gateway.weir.dev/v1alpha1',
      kind: 'GatewayParameters',
      metadata: { name: 'own', namespace: 'infra' },
      spec: { fleet, redis: { addresses: ['cache'], ...redis } },
    },
    CACHE,
    TRUST,
  ];
  const { rejected } = compiler.apply(objects.map((object) => ({ type: 'upsert', object: object as unknown as KubernetesObject })));
  expect(rejected).toEqual([]);
  return compiler;
}

/** The condition ResolvedRefs of the Gateway: its reason, and its message if a reference is missing. */
function resolvedRefs(compiler: Compiler): string | undefined {
  const status = [...compiler.statuses()].find(({ ref }) => ref.kind === 'Gateway');
  const found = status?.type === 'Gateway' ? status.conditions.find(({ type }) => type === 'ResolvedRefs') : undefined;
  return found?.status === 'True' ? found.reason : `${found?.reason}: ${found?.message}`;
}

const GOOD = {
  userSecretRef: { name: 'cache', key: 'user' },
  passwordSecretRef: { name: 'cache', key: 'password' },
  tls: { caConfigMapRef: { name: 'trust', key: 'ca' } },
};

test.each([
  ['is there', GOOD, 'PerGateway', 'ResolvedRefs'],
  [
    'has no entry',
    { passwordSecretRef: { name: 'cache', key: 'pasword' } },
    'PerGateway',
    'passwordSecretRef: Secret/infra/cache has no pasword',
  ],
  [
    'has an empty entry',
    { userSecretRef: { name: 'cache', key: 'empty' } },
    'PerGateway',
    'userSecretRef: Secret/infra/cache has no empty',
  ],
  ['is missing', { tls: { certificateSecretName: 'pair' } }, 'PerGateway', 'tls.certificateSecretName: Secret/infra/pair does not exist'],
  [
    'has no CA',
    { tls: { caConfigMapRef: { name: 'trust', key: 'b' } } },
    'PerGateway',
    'tls.caConfigMapRef: ConfigMap/infra/trust has no b',
  ],
  ['is for nothing', { passwordSecretRef: { name: 'none', key: 'a' } }, 'Shared', 'ResolvedRefs'],
])('a reference that %s', (_, redis, fleet, expected) => {
  const compiler = compiled(redis, fleet);
  const isGood = expected === 'ResolvedRefs';
  const advice = '; limits in Redis follow their onError until it is there';
  expect(resolvedRefs(compiler)).toBe(isGood ? expected : `InvalidRedisRef: GatewayParameters spec.redis.${expected}${advice}`);
  expect([...compiler.fleets()].map(({ parameters }) => parameters?.redis?.addresses)).toEqual(fleet === 'Shared' ? [] : [['cache']]);
});

test('a Secret that appears ends the condition', () => {
  const compiler = compiled({ passwordSecretRef: { name: 'late', key: 'password' } });
  expect(resolvedRefs(compiler)).toContain('Secret/infra/late does not exist');
  const late = { ...CACHE, metadata: { name: 'late', namespace: 'infra' } } as unknown as KubernetesObject;
  compiler.apply([{ type: 'upsert', object: late }]);
  expect(resolvedRefs(compiler)).toBe('ResolvedRefs');
});

test('nothing of a Secret is in the fleet', () => {
  expect(JSON.stringify([...compiled(GOOD).fleets()])).not.toContain('secret"');
});
