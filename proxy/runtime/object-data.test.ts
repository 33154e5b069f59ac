import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { ObjectDataStore } from './object-data.ts';

const USERS = { data: 'Secret/ns/users', key: 'htpasswd' };

function users(data: Record<string, string>): ir.ObjectData {
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  return { kind: 'ObjectData', key: USERS.data, data: Object.fromEntries(encoded) as Record<string, string> };
}

function text(value: Buffer | null): string | null {
  return value === null ? null : value.toString();
}

describe('a handle', () => {
  test('has no value before the object comes, and after it goes', () => {
    const store = new ObjectDataStore();
    const handle = store.handle(USERS);
    expect(handle.value).toBeNull();
    store.set(users({ htpasswd: 'ann', other: 'x' }));
    expect(text(handle.value)).toBe('ann');
    expect(store.handle({ ...USERS, key: 'absent' }).value).toBeNull();
    store.remove(USERS.data);
    expect(handle.value).toBeNull();
  });

  test('has the latest value, and tells its listeners of changes of its own entry only', () => {
    const store = new ObjectDataStore();
    const handle = store.handle(USERS);
    const told: (string | null)[] = [];
    const stop = handle.onChange(() => told.push(text(handle.value)));
    store.set(users({ htpasswd: 'ann' }));
    store.set(users({ htpasswd: 'ann', other: 'x' }));
    store.set(users({ htpasswd: 'ben', other: 'x' }));
    store.set(users({ other: 'x' }));
    stop();
    store.set(users({ htpasswd: 'cleo' }));
    expect(told).toEqual(['ann', 'ben', null]);
  });

  test('tells each listener, also the same one twice, until it stops', () => {
    const store = new ObjectDataStore();
    let calls = 0;
    const listener = () => void calls++;
    const stops = [store.handle(USERS).onChange(listener), store.handle(USERS).onChange(listener)];
    store.set(users({ htpasswd: 'ann' }));
    expect(calls).toBe(2);
    stops[0]!();
    stops[0]!();
    store.remove(USERS.data);
    expect(calls).toBe(3);
  });
});
