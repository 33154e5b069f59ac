// The parts of objects that stay in memory.
import { expect, test } from '@jest/globals';
import { WATCHED_KINDS } from './kinds.ts';

test('of a ConfigMap the entries and the names of files stay, and no other annotation', () => {
  const { project } = WATCHED_KINDS.find(({ name }) => name === 'ConfigMap')!;
  const named = (annotations: object): object =>
    project({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'code', namespace: 'ns', annotations }, data: { key: 'value' } });
  const kept = (metadata: object): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { key: 'value' }, binaryData: {} });
  const files = { 'gateway.weir.dev/files': 'a.ts' };
  expect(named({ ...files, other: 'x' })).toEqual(kept({ name: 'code', namespace: 'ns', annotations: files }));
  expect(named({ other: 'x' })).toEqual(kept({ name: 'code', namespace: 'ns' }));
});
