// What a change means for server-side apply: the fields to apply, conflicts, and what only an update removes.
import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '#lib/canonical-json.ts';
import { appliedFields } from './applied-fields.ts';
import { lastManager } from './field-owners.ts';

const NAMES = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a', namespace: 'n' } };

function owned(manager: string, fieldsV1: JsonObject, operation = 'Apply'): JsonObject {
  return { manager, operation, apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1 };
}

function change(before: JsonObject, after: JsonObject, ...managedFields: readonly JsonObject[]) {
  const { configuration, conflicts, needsUpdate } = appliedFields({ ...NAMES, spec: before }, { ...NAMES, spec: after }, managedFields);
  const { apiVersion, kind, metadata } = configuration;
  expect({ apiVersion, kind, metadata }).toEqual(NAMES);
  return { spec: configuration['spec'], conflicts, needsUpdate };
}

const NONE = { conflicts: [], needsUpdate: false };
const PORT = (port: number, protocol = 'TCP') => `k:${JSON.stringify({ port, protocol })}`;

describe('server-side apply', () => {
  test('applies what is new or changed, and what it has applied before', () => {
    const own = owned('weir-admin', { 'f:spec': { 'f:own': {}, 'f:gone': {} } });
    const other = owned('kubectl', { 'f:spec': { 'f:other': {} } });
    expect(change({ own: 1, gone: 2, other: 3, default: 4 }, { own: 1, other: 3, default: 4, new: 5 }, own, other)).toEqual({
      spec: { own: 1, new: 5 },
      ...NONE,
    });
  });

  test('names the managers of fields that it would set or remove', () => {
    const managers = [
      owned('kubectl', { 'f:spec': { 'f:a': {}, 'f:b': { 'f:c': {} } } }),
      owned('hpa', { 'f:spec': { 'f:a': {} } }, 'Update'),
    ];
    expect(change({ a: 1, b: { c: 2 } }, { a: 2 }, ...managers)).toEqual({
      spec: { a: 2 },
      conflicts: [
        { field: 'spec.a', managers: ['hpa', 'kubectl'] },
        { field: 'spec.b', managers: ['kubectl'] },
      ],
      needsUpdate: true,
    });
  });

  test('removes what it has set without apply, or what has no owner, by an update', () => {
    expect(change({ a: 1 }, {}, owned('weir-admin', { 'f:spec': { 'f:a': {} } }, 'Update'))).toEqual({
      spec: undefined,
      conflicts: [],
      needsUpdate: true,
    });
    expect(change({ a: 1 }, {})).toEqual({ spec: undefined, conflicts: [], needsUpdate: true });
  });

  test('parts a list by its keys, also those with a default', () => {
    const own = owned('weir-admin', { 'f:spec': { 'f:ports': { [PORT(81)]: { '.': {}, 'f:name': {}, 'f:port': {} } } } });
    const other = owned('kubectl', { 'f:spec': { 'f:ports': { '.': {}, [PORT(80)]: { '.': {}, 'f:name': {}, 'f:port': {} } } } });
    const ports = [
      { name: 'http', port: 80, protocol: 'TCP' },
      { name: 'own', port: 81, protocol: 'TCP' },
    ];
    const after = {
      ports: [
        { name: 'http', port: 80 },
        { name: 'renamed', port: 81 },
        { name: 'new', port: 82 },
      ],
    };
    expect(change({ ports }, after, own, other)).toEqual({
      spec: {
        ports: [
          { name: 'renamed', port: 81, protocol: 'TCP' },
          { name: 'new', port: 82 },
        ],
      },
      conflicts: [],
      needsUpdate: true,
    });
    expect(change({ ports }, { ports: ports.slice(1) }, own, other).conflicts).toEqual([
      { field: `spec.ports[${PORT(80).slice(2)}]`, managers: ['kubectl'] },
    ]);
    expect(change({ ports }, { ports: ports.slice(0, 1) }, own, other)).toEqual({ spec: undefined, ...NONE });
  });

  test('parts a set by its values', () => {
    const other = owned('kubectl', { 'f:spec': { 'f:set': { 'v:"a"': {}, 'v:"b"': {} } } });
    expect(change({ set: ['a', 'b'] }, { set: ['a', 'c'] }, other)).toEqual({
      spec: { set: ['c'] },
      conflicts: [{ field: 'spec.set["b"]', managers: ['kubectl'] }],
      needsUpdate: true,
    });
  });

  test('takes a list without keys as a whole', () => {
    const other = owned('kubectl', { 'f:spec': { 'f:list': {} } });
    expect(change({ list: [1, 2] }, { list: [1, 3] }, other)).toEqual({
      spec: { list: [1, 3] },
      conflicts: [{ field: 'spec.list', managers: ['kubectl'] }],
      needsUpdate: false,
    });
  });

  test('does not stumble over managed fields that make no sense', () => {
    for (const strange of [{}, { manager: 1, fieldsV1: 2 }, owned('x', { 'f:spec': { 'f:list': { 'k:{': {}, 'k:7': {} } } })])
      expect(change({ list: [1, { a: 1 }] }, { list: [{ a: 2 }] }, strange).spec).toEqual({ list: [{ a: 2 }] });
  });

  test('leaves subresources aside, and knows the last manager', () => {
    const status = { ...owned('controller', { 'f:spec': { 'f:a': {} } }), subresource: 'status', time: '2026-01-03T00:00:00Z' };
    const [first, last] = ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'].map((time, i) => ({ ...owned(`m${i}`, {}), time }));
    expect(change({ a: 1 }, { a: 2 }, status).conflicts).toEqual([]);
    expect(lastManager([first as JsonObject, last as JsonObject, status])).toBe('m1');
    expect(lastManager(undefined)).toBe('');
  });
});
