import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Cors, Route, RouteBackend } from '#api/ir/ir.ts';
import { explain } from './explain.ts';
import { decidePreflight, isPreflight } from './preflight.ts';
import { printExplanation } from './print.ts';
import { buildTable } from './table.ts';
import type { MatchRequest } from './table.ts';
import { attach, draftRoutes, listeners, request } from './testdata/arbitrary.ts';
import { equals, get, listener, match, on, route } from './testdata/make.ts';

function cors(origin: string): Cors {
  const lists = { allowMethods: ['*'], allowHeaders: ['*'], exposeHeaders: [] };
  return { type: 'CORS', allowOrigins: [origin], ...lists, allowCredentials: false, maxAge: 5 };
}

/** The preflight of a browser for a request of a page with headers that all need permission. */
function preflightOf(asked: MatchRequest): MatchRequest {
  const names = asked.headers.filter((_, i) => i % 2 === 0).join(',');
  const headers = ['origin', 'https://page', 'access-control-request-method', asked.method, 'access-control-request-headers', names];
  return { ...asked, method: 'OPTIONS', headers };
}

/** The CORS of a rule, without its backends. */
function said(of: Route | undefined): string {
  return JSON.stringify(of?.filters ?? []);
}

describe('a preflight', () => {
  test('is an OPTIONS with an origin and a method', () => {
    const preflight = preflightOf(get('/'));
    expect(isPreflight(preflight)).toBe(true);
    expect(isPreflight({ ...preflight, method: 'GET' })).toBe(false);
    expect(isPreflight({ ...preflight, headers: preflight.headers.slice(2) })).toBe(false);
    expect(isPreflight({ ...preflight, headers: preflight.headers.slice(0, 2) })).toBe(false);
  });

  test('is answered by the CORS of the rule of the announced request if no header value can change that rule, or not at all', () => {
    const filters = fc.constantFrom<Cors[]>([], [], [cors('a')], [cors('b')]);
    const drafts = fc.array(filters, { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(listeners, draftRoutes, drafts, request, (available, routes, choices, asked) => {
        const attached = routes.map((draft, i) => ({ ...attach(draft, available), filters: choices[i] ?? [] }));
        const table = buildTable(available, attached);
        const decision = decidePreflight(table, preflightOf(asked));
        const reached = table.find({ ...asked, headers: ['origin', 'https://page', ...asked.headers] });
        if (decision.verdict === 'answered' && reached !== null) expect(said(reached.route)).toBe(said(decision.found?.route));
        if (decision.verdict === 'answered') expect(said(decision.found?.route)).not.toBe('[]');
        if (decision.verdict === 'ordinary') {
          expect(said(reached?.route)).toBe('[]');
          expect(decision.found).toBe(table.find(preflightOf(asked)));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('without header matches is answered if the announced request has CORS', () => {
    fc.assert(
      fc.property(listeners, draftRoutes, request, (available, routes, asked) => {
        const plain = routes.map((draft) => {
          const matches = draft.route.matches.map((one) => ({ ...one, headers: [] }));
          return { ...attach({ ...draft, route: { ...draft.route, matches } }, available), filters: [cors(draft.route.key)] };
        });
        const table = buildTable(available, plain);
        const reached = table.find(asked);
        const decision = decidePreflight(table, preflightOf(asked));
        if (reached === null) return expect(decision.verdict).not.toBe('answered');
        expect(decision).toMatchObject({ verdict: 'answered', found: reached });
      }),
      { numRuns: 1_000 },
    );
  });

  const share = (weight: number, filters: Cors[]): RouteBackend => ({ cluster: 'Service/default/a/80', weight, filters });
  test.each([
    ['the same', [share(1, [cors('a')]), share(1, [cors('a')])], 'answered'],
    ['the same but for one that is never drawn', [share(1, [cors('a')]), share(0, [])], 'answered'],
    ['different ones', [share(1, [cors('a')]), share(1, [cors('b')])], 'refused'],
    ['one and none', [share(1, [cors('a')]), share(1, [])], 'refused'],
  ])('backends with CORS: %s', (_, backends, verdict) => {
    const table = buildTable([listener('http')], [route('a', [match()], { attachments: [on('http', '')], backends })]);
    expect(decidePreflight(table, preflightOf(get('/'))).verdict).toBe(verdict);
  });

  test('is explained: the announced request, the verdict and the reason', () => {
    const attachments = [on('http', '')];
    const table = buildTable(
      [listener('http')],
      [
        route('a', [match({ method: 'GET', headers: [equals('x-a', '1')] })], { attachments, filters: [cors('a')] }),
        route('b', [match({ method: 'GET' })], { attachments, filters: [cors('b')] }),
      ],
    );
    const asked = { ...get('/', { host: 'h' }), headers: ['x-a', '1'] };
    expect(printExplanation(explain(table, preflightOf(asked)))).toContain(
      'preflight of GET, refused: GET may reach HTTPRoute/default/a/0 or HTTPRoute/default/b/0, by headers whose values are not announced, and they differ in CORS\n',
    );
    const answered = explain(table, preflightOf({ ...asked, headers: [] }));
    expect(answered.winner?.routeKey).toBe('HTTPRoute/default/b/0');
    expect(printExplanation(answered)).toContain('preflight of GET, answered: by the CORS of HTTPRoute/default/b/0\n');
    const other = explain(table, preflightOf({ ...asked, method: 'PUT' }));
    expect([other.winner, other.preflight]).toEqual([
      null,
      { method: 'PUT', verdict: 'ordinary', reason: 'the announced request reaches no rule' },
    ]);
  });
});
