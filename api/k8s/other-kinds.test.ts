import { describe, expect, test } from '@jest/globals';
import { otherKindOf } from './other-kinds.ts';
import { validateObject } from './validate.ts';

const named = (apiVersion: string, kind: string) => ({ apiVersion, kind, metadata: { name: 'a' }, spec: {} });

describe('a document is for another program', () => {
  test.each([
    ['apps/v1', 'Deployment'],
    ['v1', 'ServiceAccount'],
    ['networking.k8s.io/v1', 'Ingress'],
    ['kustomize.config.k8s.io/v1beta1', 'Kustomization'],
    ['serving.knative.dev/v1', 'Service'],
    ['networking.istio.io/v1', 'Gateway'],
    ['gateway.envoyproxy.io/v1alpha1', 'BackendTrafficPolicy'],
    ['traefik.io/v1alpha1', 'IngressRoute'],
  ])('%s %s', (apiVersion, kind) => {
    expect(otherKindOf(named(apiVersion, kind))).toBe(kind);
  });

  test.each([
    ['values of Helm', { replicaCount: 1, image: { tag: 'a' } }],
    ['values of Helm with a kind', { kind: 'DaemonSet', image: 'a' }],
    ['Chart.yaml', { apiVersion: 'v2', name: 'a', version: '1.0.0' }],
    ['kustomization.yaml without a kind', { resources: ['a.yaml'] }],
    ['a JSON patch', [{ op: 'remove', path: '/spec' }]],
  ])('%s', (_, value) => {
    expect(otherKindOf(value)).toBe('');
  });
});

describe('a document is read or refused', () => {
  test.each([
    [named('v1', 'ConfigMap'), ''],
    [named('gateway.networking.k8s.io/v1', 'HTTPRoute'), ''],
    [named('gateway.networking.k8s.io/v1', 'HTTPRoutes'), 'did you mean HTTPRoute?'],
    [named('gateway.networking.k8s.io/v1', 'HttpRoute'), 'did you mean HTTPRoute?'],
    [named('gateway.weir.dev/v1alpha1', 'BackendTraficPolicy'), 'did you mean BackendTrafficPolicy?'],
    [named('gateway.networking.k8s.oi/v1', 'HTTPRoute'), 'HTTPRoute is a kind of gateway.networking.k8s.io/v1'],
    [named('gateway.networking.x-k8s.io/v1alpha1', 'XListenerSet'), 'did you mean ListenerSet'],
    [named('networking.k8s.io/v1', 'HTTPRoute'), 'HTTPRoute is a kind of gateway.networking.k8s.io/v1'],
    [named('gateway.networking.k8s.io/v7', 'HTTPRoute'), 'supported are gateway.networking.k8s.io/v1, gateway.networking.k8s.io/v1beta1'],
    [named('v1', 'Servce'), 'did you mean Service?'],
    [named('discovery.k8s.io/v1beta1', 'EndpointSlice'), 'supported is discovery.k8s.io/v1'],
    [{ knd: 'HTTPRoute', apiVersion: 'gateway.networking.k8s.io/v1', metadata: { name: 'a' } }, 'is required'],
    [{ apiVersion: 'apps/v1', metadata: { name: 'a' } }, 'is required'],
    ['text', 'must be an object'],
    [{}, 'is required'],
  ])('%j', (value, hint) => {
    expect(otherKindOf(value)).toBe(null);
    const valid = validateObject(value, { strict: true });
    if (hint !== '') expect(valid).toMatchObject({ ok: false });
    if (!valid.ok) expect(valid.error.map(({ reason }) => reason).join()).toContain(hint);
  });
});
