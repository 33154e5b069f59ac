import { describe, expect, test } from '@jest/globals';
import type { Match, Route } from '#api/ir/ir.ts';
import { findOverlaps } from './overlaps.ts';

const PATH: Match = { path: { type: 'PathPrefix', value: '/' }, method: null, headers: [], queryParams: [] };

function route(name: string, parts: Partial<Route> = {}): Route {
  return {
    kind: 'Route',
    key: `HTTPRoute/infra/${name}/${parts.ruleIndex ?? 0}`,
    objectKind: 'HTTPRoute',
    namespace: 'infra',
    name,
    ruleIndex: 0,
    ruleName: '',
    createdAt: 0,
    attachments: [{ listener: 'infra/web/http', hostnames: ['a.example.com'] }],
    matches: [PATH],
    filters: [],
    backends: [],
    timeouts: { request: null, backendRequest: null },
    retry: null,
    ...parts,
  };
}

describe('findOverlaps', () => {
  test('finds equal matches for the same host of the same listener', () => {
    expect(findOverlaps([route('b'), route('a')])).toEqual([
      {
        listener: 'infra/web/http',
        hostname: 'a.example.com',
        match: PATH,
        winner: 'HTTPRoute/infra/a/0',
        losers: ['HTTPRoute/infra/b/0'],
      },
    ]);
  });

  test('the older object wins, then the name, then the earlier rule', () => {
    const routes = [route('a', { createdAt: 5, ruleIndex: 1 }), route('z', { createdAt: 4 }), route('a', { createdAt: 5 })];
    expect(findOverlaps(routes)[0]).toMatchObject({
      winner: 'HTTPRoute/infra/z/0',
      losers: ['HTTPRoute/infra/a/0', 'HTTPRoute/infra/a/1'],
    });
  });

  test('the order of conditions does not matter', () => {
    const x = { type: 'Exact', name: 'x', value: '1' } as const;
    const y = { type: 'Exact', name: 'y', value: '1' } as const;
    const routes = [route('a', { matches: [{ ...PATH, headers: [x, y] }] }), route('b', { matches: [{ ...PATH, headers: [y, x] }] })];
    expect(findOverlaps(routes)).toHaveLength(1);
  });

  test.each([
    ['another path', { matches: [{ ...PATH, path: { type: 'Exact', value: '/' } }] }],
    ['another method', { matches: [{ ...PATH, method: 'GET' }] }],
    ['a header more', { matches: [{ ...PATH, headers: [{ type: 'Exact', name: 'x', value: '1' }] }] }],
    ['another host', { attachments: [{ listener: 'infra/web/http', hostnames: ['b.example.com'] }] }],
    ['another listener', { attachments: [{ listener: 'infra/web/other', hostnames: ['a.example.com'] }] }],
  ] as [string, Partial<Route>][])('%s does not overlap', (_, parts) => {
    expect(findOverlaps([route('a'), route('b', parts)])).toEqual([]);
  });

  test('a match listed twice in one rule does not overlap with itself', () => {
    expect(findOverlaps([route('a', { matches: [PATH, PATH] })])).toEqual([]);
  });
});
