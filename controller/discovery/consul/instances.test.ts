import { describe, expect, test } from '@jest/globals';
import { instancesIn } from './instances.ts';

function entry(service: object, states: readonly string[] = ['passing'], node: object = {}) {
  return {
    Node: { Address: '10.9.9.9', ...node },
    Service: { ID: 'a', Address: '10.0.0.1', Port: 80, Weights: { Passing: 1, Warning: 1 }, Meta: {}, ...service },
    Checks: states.map((Status) => ({ Status })),
  };
}

function found(answer: unknown, withWarnings = false) {
  const result = instancesIn(answer, withWarnings);
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

describe('an answer of Consul', () => {
  test('gives addresses, ports, weights, zones and labels', () => {
    const locality = { Locality: { Region: 'eu', Zone: 'eu-1' } };
    const answer = [
      entry({ Weights: { Passing: 3, Warning: 1 }, Meta: { version: '2' }, ...locality }),
      entry({ Address: '', Meta: null }, []),
    ];
    expect(found(answer).instances).toEqual([
      { address: '10.0.0.1', port: 80, weight: 3, zone: 'eu-1', labels: { version: '2' } },
      { address: '10.9.9.9', port: 80, weight: 1, labels: {} },
    ]);
  });

  test('gives the zone of the node, or that in the metadata', () => {
    const answer = [entry({}, [], { Locality: { Zone: 'eu-2' } }), entry({ Meta: { zone: 'eu-3' } })];
    expect(found(answer).instances.map(({ zone }) => zone)).toEqual(['eu-2', 'eu-3']);
  });

  test('leaves out instances with a critical check, and those in maintenance', () => {
    const maintenance = { ...entry({}), Checks: [{ CheckID: '_service_maintenance:a', Status: 'critical' }] };
    const answer = [entry({}, ['passing', 'critical']), maintenance, entry({}, ['unheard of'])];
    expect(found(answer, true)).toEqual({ instances: [], leftOut: [] });
  });

  test('gives instances with a warning, with the weight for it, if they are wanted', () => {
    const answer = [entry({ Weights: { Passing: 10, Warning: 2 } }, ['passing', 'warning'])];
    expect(found(answer).instances).toEqual([]);
    expect(found(answer, true).instances.map(({ weight }) => weight)).toEqual([2]);
  });

  test.each([
    ['a host name', { Address: 'db.example.com' }, 'has no IP address'],
    ['no port', { Port: 0 }, 'has no port from 1 to 65535'],
    ['a port that is no number', { Port: {} }, 'has no port from 1 to 65535'],
    ['an address that is no text', { Address: 1 }, 'has no IP address'],
    ['a negative weight', { Weights: { Passing: -1 } }, 'has a weight that is not an integer from 0 to 65535'],
    ['metadata that is not text', { Meta: { a: 1 } }, 'has labels that are not up to 64 short texts'],
    ['long metadata', { Meta: { a: 'x'.repeat(300) } }, 'has labels that are not up to 64 short texts'],
  ])('leaves out an instance with %s', (_, service, reason) => {
    const { instances, leftOut } = found([entry({ ID: 'bad', ...service }), entry({})]);
    expect(instances).toHaveLength(1);
    expect(leftOut).toEqual([`bad ${reason}`]);
  });

  test('names an instance in one short line', () => {
    expect(found([entry({ ID: `a\n${'x'.repeat(500)}`, Port: 0 })]).leftOut[0]).toMatch(/^a x{198}\.\.\. has no port/);
  });
});
