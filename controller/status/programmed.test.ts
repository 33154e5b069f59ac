// Programmed, from acks and nacks as proxies send them.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { EncodedResource } from '#api/ir/ir.ts';
import { until } from '../../test/support/until.ts';
import * as conditions from '../compile/conditions.ts';
import type { DesiredStatus } from '../compile/result.ts';
import { SHARED } from '../compile/fleet-scopes.ts';
import { ProxyReports } from './proxy-reports.ts';
import { Programmed } from './programmed.ts';

let times: { hold: number; grace: number };

function listener(version: string): EncodedResource {
  return { kind: 'Listener', key: 'ns/gw/http', version, body: Buffer.from(JSON.stringify({ kind: 'Listener', gateway: 'ns/gw' })) };
}

function gateway(attachedRoutes = 0): DesiredStatus {
  const own = { key: 'ns/gw/http', name: 'http', attachedRoutes, supportedKinds: [], conditions: [conditions.listenerProgrammed(1)] };
  const ref = { kind: 'Gateway', namespace: 'ns', name: 'gw' };
  return { ref, type: 'Gateway', addresses: [], conditions: [conditions.programmedBy(1, 1, 1)], listeners: [own], attachedListenerSets: 0 };
}

function change(changed: readonly EncodedResource[], own: readonly string[] = [], shared: readonly string[] = []): void {
  reports.apply({ changed, removed: [], fleets: own.map((name) => ({ gateway: name })), fleetsGone: shared });
}

let reports: ProxyReports;
let programmed: Programmed;
let written: DesiredStatus[];

/** The last written `Programmed` of the Gateway, like `True` or `Pending: 1 of 2 ...`. */
function last(): string {
  const status = written.at(-1);
  if (status?.type !== 'Gateway') return 'nothing';
  const condition = status.conditions.find(({ type }) => type === 'Programmed')!;
  const own = status.listeners[0]!.conditions.find(({ type }) => type === 'Programmed')!;
  return condition.status === 'True' ? `True, listener ${own.status}` : `${condition.message}, listener ${own.reason}`;
}

beforeEach(() => {
  times = { hold: 30, grace: 150 };
  reports = new ProxyReports();
  written = [];
  programmed = new Programmed(reports, { write: (statuses) => void written.push(...statuses) }, { times });
  reports.onChange({
    progressed: (listener) => programmed.progressed(listener),
    proxiesChanged: (name) => programmed.proxiesChanged(name),
    refused: (kind, key, refusal) => programmed.refused(kind, key, refusal),
  });
});

afterEach(() => programmed.stop());

describe('Programmed', () => {
  test('is not written before the hold for acks is over', async () => {
    reports.connected('p1', SHARED);
    change([listener('v1')]);
    programmed.write([gateway()], []);
    expect(written).toEqual([]);
    await until(() => written.length > 0);
    expect(last()).toBe('0 of 1 proxies have the configuration, listener Pending');
    reports.acked('p1', 'Listener', 'ns/gw/http', 'v1');
    expect(last()).toBe('True, listener True');
  });

  test('is False without proxies', async () => {
    change([listener('v1')]);
    programmed.write([gateway()], []);
    await until(() => written.length > 0);
    expect(last()).toBe('no proxy is connected, listener Pending');
  });

  test('is False for a new Gateway after the hold for acks, once the start of the controller is over', async () => {
    change([listener('v1')]);
    programmed.write([gateway()], []);
    await until(() => written.length > 0);
    programmed.write([], [gateway().ref]);
    times.grace = 3_600_000;
    const before = written.length;
    programmed.write([gateway()], []);
    await until(() => written.length > before);
    expect(last()).toBe('no proxy is connected, listener Pending');
  });

  test('is True only when every proxy serves the current version', async () => {
    reports.connected('p1', SHARED);
    reports.connected('p2', SHARED);
    change([listener('v1')]);
    programmed.write([gateway()], []);
    reports.acked('p1', 'Listener', 'ns/gw/http', 'v1');
    reports.acked('p2', 'Listener', 'ns/gw/http', 'v0');
    await until(() => written.length > 0);
    expect(last()).toBe('1 of 2 proxies have the configuration, listener Pending');
    reports.acked('p2', 'Listener', 'ns/gw/http', 'v1');
    expect(last()).toBe('True, listener True');
  });

  test('counts the proxies of the Gateway only', async () => {
    reports.connected('shared', SHARED);
    reports.connected('other', 'ns/other');
    for (const proxy of ['p1', 'p2', 'p3']) reports.connected(proxy, 'ns/gw');
    change([listener('v1')], ['ns/gw']);
    programmed.write([gateway()], []);
    for (const proxy of ['p1', 'p2', 'other', 'shared']) reports.acked(proxy, 'Listener', 'ns/gw/http', 'v1');
    await until(() => written.length > 0);
    expect(last()).toBe('2 of 3 proxies have the configuration, listener Pending');
    reports.acked('p3', 'Listener', 'ns/gw/http', 'v1');
    expect(last()).toBe('True, listener True');
    const nack = { version: 'v1', errors: [{ field: 'port', reason: 'is in use' }] };
    reports.nacked('p1', 'Listener', 'ns/gw/http', nack);
    expect(reports.refusalOf('Listener', 'ns/gw/http')).toMatchObject({ proxies: 1, total: 3 });
  });

  test('shared proxies do not make a Gateway with dedicated proxies True, until it shares them', async () => {
    reports.connected('shared', SHARED);
    reports.acked('shared', 'Listener', 'ns/gw/http', 'v1');
    change([listener('v1')], ['ns/gw']);
    programmed.write([gateway()], []);
    await until(() => written.length > 0);
    expect(last()).toBe('no proxy is connected, listener Pending');
    change([], [], ['ns/gw']);
    expect(last()).toBe('True, listener True');
  });

  test('stays True for a grace period when a proxy joins; other changes are written meanwhile', async () => {
    reports.connected('p1', SHARED);
    change([listener('v1')]);
    programmed.write([gateway()], []);
    reports.acked('p1', 'Listener', 'ns/gw/http', 'v1');
    reports.connected('p2', SHARED);
    programmed.write([gateway(5)], []);
    expect(last()).toBe('True, listener True');
    expect(written.at(-1)).toMatchObject({ listeners: [{ attachedRoutes: 5 }] });
    await until(() => last() === '1 of 2 proxies have the configuration, listener Pending');
    reports.disconnected('p2');
    expect(last()).toBe('True, listener True');
  });

  test('a refused listener has the message of the proxy, until the next version', async () => {
    reports.connected('p1', SHARED);
    change([listener('v1')]);
    programmed.write([gateway()], []);
    reports.nacked('p1', 'Listener', 'ns/gw/http', { version: 'v1', errors: [{ field: 'port', reason: 'is in use' }] });
    expect(written.at(-1)).toMatchObject({
      listeners: [
        { conditions: [{ type: 'Programmed', status: 'False', reason: 'Invalid', message: 'refused by 1 of 1 proxies: port is in use' }] },
      ],
    });
    change([listener('v2')]);
    reports.acked('p1', 'Listener', 'ns/gw/http', 'v2');
    expect(last()).toBe('True, listener True');
  });

  test('of a ListenerSet depends on its own listeners only', async () => {
    const key = 'ns/gw/apps/set/http';
    const own = { key, name: 'http', attachedRoutes: 0, supportedKinds: [], conditions: [conditions.listenerProgrammed(1)] };
    const ref = { kind: 'ListenerSet', namespace: 'apps', name: 'set' };
    const status: DesiredStatus = { ref, type: 'ListenerSet', conditions: [conditions.programmedBy(1, 1, 1)], listeners: [own] };
    reports.connected('p1', SHARED);
    change([listener('v1'), { ...listener('v1'), key }]);
    programmed.write([gateway(), status], []);
    reports.acked('p1', 'Listener', key, 'v1');
    expect(written).toMatchObject([
      { type: 'ListenerSet', conditions: [{ status: 'True' }], listeners: [{ conditions: [{ status: 'True' }] }] },
    ]);
    reports.nacked('p1', 'Listener', key, { version: 'v1', errors: [{ field: 'port', reason: 'is in use' }] });
    expect(written.at(-1)).toMatchObject({ ref, listeners: [{ conditions: [{ message: 'refused by 1 of 1 proxies: port is in use' }] }] });
  });

  test('a refused route reports it for each parent, until it is served', () => {
    const ref = { kind: 'HTTPRoute', namespace: 'ns', name: 'r' };
    const parents = [{ parentRef: { name: 'gw' }, conditions: [conditions.routeAccepted(3, '')] }];
    const rule: EncodedResource = { kind: 'Route', key: 'HTTPRoute/ns/r/2', version: 'v1', body: Buffer.from('{}') };
    reports.connected('p1', SHARED);
    change([rule]);
    programmed.write([{ ref, type: 'Route', parents }], []);
    reports.nacked('p1', 'Route', 'HTTPRoute/ns/r/2', { version: 'v1', errors: [{ field: 'matches[0].path', reason: 'is strange' }] });
    expect(written.at(-1)).toMatchObject({
      parents: [
        {
          conditions: [
            { type: 'Accepted' },
            {
              type: 'RefusedByProxy',
              status: 'True',
              observedGeneration: 3,
              message: 'spec.rules[2]: refused by 1 of 1 proxies: matches[0].path is strange',
            },
          ],
        },
      ],
    });
    reports.acked('p1', 'Route', 'HTTPRoute/ns/r/2', 'v2');
    expect(written.at(-1)).toMatchObject({ parents: [{ conditions: [{ type: 'Accepted' }] }] });
  });

  test('a refusal of a later version is reported once that version is current', () => {
    const rule = (version: string): EncodedResource => ({ kind: 'Route', key: 'HTTPRoute/ns/r/0', version, body: Buffer.from('{}') });
    const refusal = () => reports.refusalOf('Route', 'HTTPRoute/ns/r/0')?.version ?? null;
    reports.connected('p1', SHARED);
    change([rule('v1')]);
    reports.nacked('p1', 'Route', 'HTTPRoute/ns/r/0', { version: 'v2', errors: [] });
    expect(refusal()).toBe(null);
    change([rule('v2')]);
    expect(refusal()).toBe('v2');
    change([rule('v3')]);
    expect(refusal()).toBe(null);
  });

  test('a listener that compile does not serve keeps its condition', async () => {
    const held = conditions.gatewayNotProgrammed(1, { reason: 'AddressNotAssigned', message: 'no address' });
    reports.connected('p1', SHARED);
    change([listener('v1')]);
    programmed.write([{ ...gateway(), conditions: [held] } as DesiredStatus], []);
    reports.acked('p1', 'Listener', 'ns/gw/http', 'v1');
    expect(written.at(-1)).toMatchObject({ conditions: [held] });
  });
});
