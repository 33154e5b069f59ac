import { expect, test } from '@jest/globals';
import type { DesiredStatus } from '../compile/result.ts';
import { ProblemCounts } from './problem-counts.ts';

function routeWith(name: string, status: 'True' | 'False'): DesiredStatus {
  const conditions = [{ type: 'Accepted', status, reason: 'R', message: '', observedGeneration: 1 }];
  const ref = { kind: 'HTTPRoute', namespace: 'default', name } as const;
  return { type: 'Route', ref, parents: [{ parentRef: { name: 'gw' }, conditions }] };
}

const problem = (object: string, file = 'a.yaml') => ({ severity: 'error', file, line: 1, object, field: '', reason: 'R' }) as const;

test('an object counts once, whatever is wrong with it, until it is mended or gone', () => {
  const [counts, source] = [new ProblemCounts(), {}];
  counts.report(source, [problem('HTTPRoute/default/a'), problem('HTTPRoute/default/a'), problem('')]);
  counts.take({ statuses: [routeWith('a', 'False'), routeWith('b', 'False'), routeWith('c', 'True')], forgotten: [] });
  expect(counts.byKind(['Gateway/default/gw'])).toEqual(
    new Map([
      ['Gateway', 1],
      ['HTTPRoute', 2],
      ['unknown', 1],
    ]),
  );
  counts.report(source, []);
  counts.take({ statuses: [routeWith('a', 'True')], forgotten: [routeWith('b', 'True').ref] });
  expect(counts.byKind([])).toEqual(new Map());
});
