import { describe, expect, test } from '@jest/globals';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { Store } from './store.ts';

function slice(name: string, service: string, address = '10.0.0.1'): KubernetesObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: 'infra', labels: { 'kubernetes.io/service-name': service } },
    ...{ addressType: 'IPv4', ports: [], endpoints: [{ addresses: [address], conditions: {} }] },
  };
}

const REF = { kind: 'EndpointSlice', namespace: 'infra', name: 's' };

describe('Store', () => {
  test('a change returns its cells: the object and its index keys', () => {
    expect(new Store().upsert(slice('s', 'app'))).toEqual(['EndpointSlice/infra/s', 'endpointSlicesByService:infra/app']);
  });

  test('a change of key touches both the old and the new', () => {
    const store = new Store();
    store.upsert(slice('s', 'app'));
    expect(store.upsert(slice('s', 'web'))).toEqual([
      'EndpointSlice/infra/s',
      'endpointSlicesByService:infra/app',
      'endpointSlicesByService:infra/web',
    ]);
    expect(store.list('endpointSlicesByService', 'infra/app')).toEqual([]);
    expect(store.list('endpointSlicesByService', 'infra/web')).toHaveLength(1);
  });

  test('equal content touches nothing', () => {
    const store = new Store();
    store.upsert(slice('s', 'app'));
    expect(store.upsert(slice('s', 'app'))).toEqual([]);
  });

  test.each([
    ['status', (object: KubernetesObject) => ({ ...object, status: { ready: true } })],
    ['resourceVersion', (object: KubernetesObject) => ({ ...object, metadata: { ...object.metadata, resourceVersion: '7' } })],
    ['managedFields', (object: KubernetesObject) => ({ ...object, metadata: { ...object.metadata, managedFields: [] } })],
    ['annotations', (object: KubernetesObject) => ({ ...object, metadata: { ...object.metadata, annotations: { a: 'b' } } })],
  ])('a change of %s touches nothing', (_, change) => {
    const store = new Store();
    store.upsert(slice('s', 'app'));
    expect(store.upsert(change(slice('s', 'app')))).toEqual([]);
  });

  test.each([
    ['content', slice('s', 'app', '10.0.0.2')],
    ['uid', { ...slice('s', 'app'), metadata: { ...slice('s', 'app').metadata, uid: 'new' } }],
  ])('a change of %s touches the object', (_, changed) => {
    const store = new Store();
    store.upsert(slice('s', 'app'));
    expect(store.upsert(changed)).toContain('EndpointSlice/infra/s');
  });

  test('removes deleted objects; deleting an absent object touches nothing', () => {
    const store = new Store();
    store.upsert(slice('s', 'app'));
    expect(store.delete(REF)).toEqual(['EndpointSlice/infra/s', 'endpointSlicesByService:infra/app']);
    expect(store.has(REF)).toBe(false);
    expect(store.delete(REF)).toEqual([]);
  });

  test('lists by name, not by order of arrival', () => {
    const store = new Store();
    for (const name of ['c', 'a', 'b']) store.upsert(slice(name, 'app'));
    expect(store.list('endpointSlicesByService', 'infra/app').map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c']);
  });

  test('objects are deeply frozen', () => {
    const store = new Store();
    store.upsert(slice('s', 'app'));
    const held = store.get('EndpointSlice', 'infra', 's');
    expect(Object.isFrozen(held)).toBe(true);
    expect(Object.isFrozen(held?.endpoints[0]?.addresses)).toBe(true);
  });

  test('names of inherited JavaScript properties are absent', () => {
    expect(new Store().get('Service', 'infra', 'constructor')).toBeUndefined();
    expect(new Store().list('grantsByNamespace', '__proto__')).toEqual([]);
  });
});
