import { AddressRanges } from '#lib/address-ranges.ts';
import { describe, expect, test } from '@jest/globals';
import type { KubernetesObject } from '#api/k8s/object.ts';
import { Store } from '../snapshot/store.ts';
import { Outputs } from './outputs.ts';
import { Units } from './units.ts';
import { valueOnly, type CompileOptions, type UnitKind } from './view.ts';

const OPTIONS: CompileOptions = {
  controllerName: 'test',
  allowLoopback: false,
  allowExternalNames: false,
  allowedEndpoints: AddressRanges.of([]),
  own: { addresses: new Set(), ports: new Set() },
  bindAddresses: true,
  addresses: null,
  proxyService: '',
  sessionSecret: null,
  fleets: { byDefault: 'Shared', lacks: '' },
  operatorNamespace: null,
};

function namespace(name: string, team: string): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { team } } };
}

/** Units over a store, with a log of the units that ran. */
function setUp() {
  const store = new Store();
  const outputs = new Outputs();
  const units = new Units(store, outputs, OPTIONS);
  const log: string[] = [];
  const set = (name: string, team: string) => {
    for (const cell of store.upsert(namespace(name, team))) units.touch(cell);
  };
  const run = () => {
    log.length = 0;
    return { ...units.run(), log: [...log], delta: outputs.flush() };
  };
  return { units, log, set, run };
}

/** Reads the team of a namespace and yields it as an Endpoints resource. */
function teamUnit(log: string[]): UnitKind<string> {
  return {
    name: 'team',
    stage: 'leaf',
    fallback: () => '',
    compile(view, key) {
      log.push(`team ${key}`);
      const team = view.object('Namespace', '', key)?.metadata.labels?.['team'] ?? 'none';
      return { ...valueOnly(team), resources: [{ kind: 'Endpoints', key, endpoints: [] }] };
    },
  };
}

/** Reads the team units named in its key, until one is `stop`. */
function teamsUnit(log: string[], team: UnitKind<string>): UnitKind<string> {
  return {
    name: 'teams',
    stage: 'parent',
    fallback: () => '',
    compile(view, key) {
      log.push(`teams ${key}`);
      const teams: string[] = [];
      for (const name of key.split(' ')) {
        teams.push(view.read(team, name));
        if (teams.at(-1) === 'stop') break;
      }
      return valueOnly(teams.join(' '));
    },
  };
}

describe('Units', () => {
  test('a unit is created by its first read, before its reader is done', () => {
    const { units, log, run } = setUp();
    units.addRoot(teamsUnit(log, teamUnit(log)), 'a b');
    expect(run()).toMatchObject({ recompiled: 3, log: ['teams a b', 'team a', 'team b'] });
  });

  test('a reader runs again when the value it read changes', () => {
    const { units, log, set, run } = setUp();
    units.addRoot(teamsUnit(log, teamUnit(log)), 'a b');
    run();
    set('b', 'blue');
    expect(run().log).toEqual(['team b', 'teams a b']);
  });

  test('a reader does not run again when the value stays the same', () => {
    const { units, log, set, run } = setUp();
    units.addRoot(teamsUnit(log, teamUnit(log)), 'a');
    run();
    set('a', 'none');
    expect(run().log).toEqual(['team a']);
  });

  test('a unit without readers is removed, with its output', () => {
    const { units, log, set, run } = setUp();
    units.addRoot(teamsUnit(log, teamUnit(log)), 'a b');
    run();
    set('a', 'stop');
    expect(run()).toMatchObject({ log: ['team a', 'teams a b'], delta: { removed: [{ kind: 'Endpoints', key: 'b' }] } });
    set('b', 'blue');
    expect(run().log).toEqual([]);
  });

  test('a unit with several readers stays until the last one stops reading it', () => {
    const { units, log, run } = setUp();
    const team = teamUnit(log);
    const teams = teamsUnit(log, team);
    units.addRoot(teams, 'a b');
    units.addRoot(teams, 'b');
    run();
    units.removeRoot(teams, 'a b');
    expect(run().delta.removed).toEqual([{ kind: 'Endpoints', key: 'a' }]);
    units.removeRoot(teams, 'b');
    expect(run().delta.removed).toEqual([{ kind: 'Endpoints', key: 'b' }]);
  });

  test('counters count units, and run their readers again', () => {
    const { units, log, set, run } = setUp();
    const team = teamUnit(log);
    const counting: UnitKind<null> = {
      name: 'counting',
      stage: 'route',
      fallback: () => null,
      compile: (view, key) => ({ ...valueOnly(null), counters: [view.read(team, key)] }),
    };
    const counts: number[] = [];
    const summary: UnitKind<null> = {
      name: 'summary',
      stage: 'summary',
      fallback: () => null,
      compile(view, key) {
        counts.push(view.count(key));
        return valueOnly(null);
      },
    };
    units.addRoot(summary, 'blue');
    units.addRoot(counting, 'a');
    units.addRoot(counting, 'b');
    run();
    set('a', 'blue');
    run();
    set('b', 'blue');
    run();
    units.removeRoot(counting, 'a');
    run();
    expect(counts).toEqual([0, 1, 2, 1]);
  });

  test('units that have read a counter run again when a later unit of their stage changes it', () => {
    const { units, run } = setUp();
    const counted: UnitKind<null> = {
      name: 'counted',
      stage: 'leaf',
      fallback: () => null,
      compile: () => ({ ...valueOnly(null), counters: ['all'] }),
    };
    const counts: number[] = [];
    const early: UnitKind<null> = {
      name: 'early',
      stage: 'summary',
      fallback: () => null,
      compile(view) {
        counts.push(view.count('all'));
        return valueOnly(null);
      },
    };
    const late: UnitKind<null> = {
      name: 'late',
      stage: 'summary',
      fallback: () => null,
      compile: (view) => valueOnly(view.read(counted, '')),
    };
    units.addRoot(early, '');
    units.addRoot(late, '');
    run();
    expect(counts).toEqual([0, 1]);
  });

  test('a unit that throws keeps its last output and is reported; it runs again when a cell that it read changes', () => {
    const { units, set, run } = setUp();
    const fragile: UnitKind<null> = {
      name: 'fragile',
      stage: 'leaf',
      fallback: () => null,
      compile(view, key) {
        const team = view.object('Namespace', '', key)?.metadata.labels?.['team'];
        if (team === 'bad') throw new Error('bug');
        return { ...valueOnly(null), resources: [{ kind: 'Endpoints', key, endpoints: [] }] };
      },
    };
    units.addRoot(fragile, 'a');
    run();
    set('a', 'bad');
    expect(run()).toMatchObject({ faults: [{ unit: '@fragile a', error: new Error('bug') }], delta: { removed: [] } });
    set('a', 'good');
    expect(run()).toMatchObject({ faults: [], recompiled: 1 });
  });

  test('a unit that throws in its first run gives readers its fallback, and its fault names the object', () => {
    const { units, set, run } = setUp();
    const fragile: UnitKind<string> = {
      name: 'fragile',
      stage: 'leaf',
      fallback: (key) => `nothing of ${key}`,
      compile(view, key) {
        const team = view.object('Namespace', '', key)?.metadata.labels?.['team'] ?? '';
        if (team === 'bad') throw new Error('bug');
        return valueOnly(team);
      },
    };
    const values: string[] = [];
    const reader: UnitKind<null> = {
      name: 'reader',
      stage: 'parent',
      fallback: () => null,
      compile(view) {
        values.push(view.read(fragile, 'a'));
        return valueOnly(null);
      },
    };
    set('a', 'bad');
    units.addRoot(reader, '');
    expect(run().faults).toEqual([{ unit: '@fragile a', object: 'Namespace/a', error: new Error('bug') }]);
    expect([...units.faulty()]).toMatchObject([{ object: 'Namespace/a' }]);
    set('a', 'good');
    run();
    expect(values).toEqual(['nothing of a', 'good']);
    expect([...units.faulty()]).toEqual([]);
  });

  test('reading a unit of the same or a later stage is a bug', () => {
    const { units, log, run } = setUp();
    const team = teamUnit(log);
    const wrong: UnitKind<string> = {
      name: 'wrong',
      stage: 'leaf',
      fallback: () => '',
      compile: (view, key) => valueOnly(view.read(team, key)),
    };
    units.addRoot(wrong, 'a');
    expect(run().faults).toHaveLength(1);
  });
});
