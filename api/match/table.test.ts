import { describe, expect, test } from '@jest/globals';
import type { Route } from '#api/ir/ir.ts';
import { buildTable, type MatchRequest } from './table.ts';
import { equals, exact, get, listener, match, matches, on, prefix, regex, route } from './testdata/make.ts';

/** Name of the route that a table with one listener for any host finds. */
function winner(routes: readonly Route[], request: MatchRequest): string | undefined {
  return buildTable([listener('http')], routes).find(request)?.route.name;
}

describe('paths', () => {
  test.each(['/foo', '/foo/', '/foo/x', '/foo//', '/foo//x'])('prefix /foo matches %s', (path) => {
    expect(winner([route('r', [prefix('/foo')])], get(path))).toBe('r');
    expect(winner([route('r', [prefix('/foo/')])], get(path))).toBe('r');
  });

  test.each(['/', '/fo', '/foobar', '/foo-', '/FOO', '/x/foo', '/foo%2Fx'])('prefix /foo does not match %s', (path) => {
    expect(winner([route('r', [prefix('/foo')])], get(path))).toBeUndefined();
  });

  test('exact /foo matches only /foo', () => {
    const routes = [route('r', [exact('/foo')])];
    expect(winner(routes, get('/foo'))).toBe('r');
    for (const path of ['/foo/', '/fo', '/foo/x', '/']) expect(winner(routes, get(path))).toBeUndefined();
  });

  test('exact comes before expression, and expression before prefix, at any length', () => {
    const routes = [route('prefix', [prefix('/foo/bar')]), route('regex', [regex('/f.*')]), route('exact', [exact('/foo/bar')])];
    expect(winner(routes, get('/foo/bar'))).toBe('exact');
    expect(winner(routes.slice(0, 2), get('/foo/bar'))).toBe('regex');
  });

  test('longer prefixes and longer expressions come first', () => {
    expect(winner([route('short', [prefix('/a')]), route('long', [prefix('/a/b')])], get('/a/b/c'))).toBe('long');
    expect(winner([route('short', [regex('/.*')]), route('long', [regex('/[a-z]*')])], get('/a'))).toBe('long');
  });

  test('a rule without matches matches everything', () => {
    expect(winner([route('r', [])], get('/any/thing'))).toBe('r');
  });

  test('if the method excludes the longest prefix, shorter ones are tried in order', () => {
    const routes = [
      route('deep', [prefix('/a/b/c', { method: 'PUT' })]),
      route('middle', [prefix('/a/b', { method: 'POST' })]),
      route('top', [prefix('/')]),
    ];
    expect(winner(routes, get('/a/b/c/d'))).toBe('top');
    expect(winner(routes, get('/a/b/c/d', { method: 'POST' }))).toBe('middle');
  });

  test('if the exact path is excluded, expression and prefix are tried', () => {
    const routes = [
      route('exact', [exact('/a', { method: 'PUT' })]),
      route('regex', [regex('/a|/b', { method: 'POST' })]),
      route('prefix', [prefix('/a')]),
    ];
    expect(winner(routes, get('/a', { method: 'POST' }))).toBe('regex');
    expect(winner(routes, get('/a'))).toBe('prefix');
  });

  test('a path of a route is compared in normal form', () => {
    expect(winner([route('r', [exact('/caf%c3%a9/%7Ex')])], get('/caf%C3%A9/~x'))).toBe('r');
  });

  test('expressions match the whole path, without line ends', () => {
    const routes = [route('r', [regex('/a(/[0-9]+)?')])];
    expect(winner(routes, get('/a/12'))).toBe('r');
    for (const path of ['/a/12/', '/b/a', '/a/12/a']) expect(winner(routes, get(path))).toBeUndefined();
  });

  test('prefixLength covers the prefix without the slash at its end', () => {
    const lengthOf = (value: string, path: string): number | undefined =>
      buildTable([listener('http')], [route('r', [prefix(value)])]).find(get(path))?.prefixLength;
    expect(lengthOf('/', '/a')).toBe(0);
    expect(lengthOf('/foo', '/foo/a')).toBe(4);
    expect(lengthOf('/foo/', '/foo')).toBe(4);
  });

  test('gRPC methods are paths of two segments', () => {
    const routes = [route('service', [prefix('/pkg.Greeter')]), route('method', [exact('/pkg.Greeter/Hello')])];
    expect(winner(routes, get('/pkg.Greeter/Hello', { method: 'POST' }))).toBe('method');
    expect(winner(routes, get('/pkg.Greeter/Bye', { method: 'POST' }))).toBe('service');
    expect(winner(routes, get('/pkg.GreeterX/Bye', { method: 'POST' }))).toBeUndefined();
  });
});

describe('method, headers, query', () => {
  test('a match of the method comes before more headers, and headers before more query parameters', () => {
    const query = route('query', [match({ queryParams: [equals('a', '1'), equals('b', '1'), equals('c', '1')] })]);
    const headers = route('headers', [match({ headers: [equals('x', '1'), equals('y', '1')] })]);
    const method = route('method', [match({ method: 'GET' })]);
    const request = get('/', { query: 'a=1&b=1&c=1', headers: ['x', '1', 'y', '1'] });
    expect(winner([query, headers, method], request)).toBe('method');
    expect(winner([query, headers], request)).toBe('headers');
    expect(winner([query], request)).toBe('query');
  });

  test('more headers come first', () => {
    const one = route('one', [match({ headers: [equals('x', '1')] })]);
    const two = route('two', [match({ headers: [equals('x', '1'), equals('y', '2')] })]);
    expect(winner([one, two], get('/', { headers: ['x', '1', 'y', '2'] }))).toBe('two');
    expect(winner([one, two], get('/', { headers: ['x', '1'] }))).toBe('one');
  });

  test('only the first of several conditions on one name counts', () => {
    const repeated = route('a-repeated', [match({ headers: [equals('x', '1'), equals('x', '2')] })]);
    const other = route('b-other', [match({ headers: [equals('y', '1'), equals('z', '1')] })]);
    expect(winner([repeated], get('/', { headers: ['x', '1'] }))).toBe('a-repeated');
    expect(winner([repeated], get('/', { headers: ['x', '2'] }))).toBeUndefined();
    expect(winner([repeated, other], get('/', { headers: ['x', '1', 'y', '1', 'z', '1'] }))).toBe('b-other');
  });

  test('a repeated header of the request is matched as its values joined with a comma', () => {
    const routes = [route('r', [match({ headers: [equals('x', '1,2')] })])];
    expect(winner(routes, get('/', { headers: ['x', '1', 'x', '2'] }))).toBe('r');
    expect(winner(routes, get('/', { headers: ['x', '1'] }))).toBeUndefined();
  });

  test('expressions match whole values; a missing header matches none', () => {
    const routes = [route('r', [match({ headers: [matches('x', 'v[0-9]*')], queryParams: [matches('q', '.*')] })])];
    expect(winner(routes, get('/', { headers: ['x', 'v12'], query: 'q' }))).toBe('r');
    expect(winner(routes, get('/', { headers: ['x', 'v12x'], query: 'q' }))).toBeUndefined();
    expect(winner(routes, get('/', { headers: ['x', 'v12'] }))).toBeUndefined();
  });

  test('methods are case-sensitive', () => {
    expect(winner([route('r', [match({ method: 'GET' })])], get('/', { method: 'get' }))).toBeUndefined();
  });
});

describe('ties', () => {
  test('the oldest object comes first, then the first by namespace/name, then rules and matches in order', () => {
    const young = route('a', [match()], { createdAt: 2 });
    const old = route('z', [match()], { createdAt: 1 });
    expect(winner([young, old], get('/'))).toBe('z');
    expect(winner([route('b', [match()]), route('a', [match()])], get('/'))).toBe('a');
    const rules = [2, 1].map((ruleIndex) => route('r', [match()], { ruleIndex }));
    expect(buildTable([listener('http')], rules).find(get('/'))?.route.ruleIndex).toBe(1);
    expect(buildTable([listener('http')], [route('r', [match(), match()])]).find(get('/'))?.matchIndex).toBe(0);
  });

  test('namespace and name are compared as one text', () => {
    // '-' comes before '/', so `n-a/r` comes before `n/r`.
    const routes = [route('r', [match()], { namespace: 'n' }), route('r', [match()], { namespace: 'n-a' })];
    expect(buildTable([listener('http')], routes).find(get('/'))?.route.namespace).toBe('n-a');
  });

  test('rule 10 comes after rule 9', () => {
    const rules = [10, 9].map((ruleIndex) => route('r', [match()], { ruleIndex }));
    expect(buildTable([listener('http')], rules).find(get('/'))?.route.ruleIndex).toBe(9);
  });
});

describe('hosts', () => {
  const routes = ['', '*.com', '*.b.com', 'a.b.com'].map((hostname, index) =>
    route(hostname === '' ? 'any' : hostname, [prefix(['/', '/', '/', '/only'][index] ?? '/')], { attachments: [on('http', hostname)] }),
  );

  test.each([
    ['a.b.com', '/only', 'a.b.com'],
    ['a.b.com', '/else', '*.b.com'],
    ['x.b.com', '/only', '*.b.com'],
    ['x.y.b.com', '/', '*.b.com'],
    ['b.com', '/', '*.com'],
    ['xb.com', '/', '*.com'],
    ['com', '/', 'any'],
    ['.com', '/', 'any'],
    ['b.org', '/', 'any'],
    ['', '/', 'any'],
  ])('%s%s finds the route for %s', (host, path, wanted) => expect(winner(routes, get(path, { host }))).toBe(wanted));

  test('a more specific host name comes before a more specific path', () => {
    const exactHost = route('host', [prefix('/')], { attachments: [on('http', 'a.com')] });
    const exactPath = route('path', [exact('/x')], { attachments: [on('http', '*.com')] });
    expect(winner([exactHost, exactPath], get('/x', { host: 'a.com' }))).toBe('host');
  });

  test.each(['__proto__', 'constructor', 'tostring', 'hasownproperty'])('%s is an ordinary host', (host) => {
    expect(winner([route('r', [match()], { attachments: [on('http', 'a.com')] })], get('/', { host }))).toBeUndefined();
    expect(winner([route('r', [match()], { attachments: [on('http', host)] })], get('/', { host }))).toBe('r');
    expect(winner([route('r', [match()], { attachments: [on('http', `*.${host}`)] })], get('/', { host: `a.${host}` }))).toBe('r');
  });
});

describe('listeners', () => {
  const everywhere = (hostname: string): Route => route(hostname, [match()], { attachments: [on('any', hostname)] });

  test('the most specific listener has its hosts alone, even without a route for the request', () => {
    const port = [listener('any'), listener('wild', '*.a.com'), listener('exact', 'x.a.com')];
    const table = buildTable(port, [
      everywhere(''),
      route('wild', [match()], { attachments: [on('wild', '*.a.com')] }),
      route('exact', [prefix('/x')], { attachments: [on('exact', 'x.a.com')] }),
    ]);
    expect(table.find(get('/x', { host: 'x.a.com' }))?.listener).toBe('infra/gw/exact');
    expect(table.find(get('/', { host: 'x.a.com' }))).toBeNull();
    expect(table.find(get('/', { host: 'y.a.com' }))?.listener).toBe('infra/gw/wild');
    expect(table.find(get('/', { host: 'a.com' }))?.listener).toBe('infra/gw/any');
  });

  test('a listener without routes keeps its hosts from less specific listeners', () => {
    const table = buildTable([listener('any'), listener('exact', 'x.a.com')], [everywhere('')]);
    expect(table.find(get('/', { host: 'x.a.com' }))).toBeNull();
    expect(table.listenerOf('x.a.com')).toBe('infra/gw/exact');
  });

  test('a listener that cannot be served also keeps its hosts, and gets no requests', () => {
    const exactly = { ...listener('exact', 'x.a.com'), unserved: 'no certificate' };
    const routes = [everywhere(''), route('own', [match()], { attachments: [on('exact', 'x.a.com')] })];
    const table = buildTable([listener('any'), exactly], routes);
    expect(table.find(get('/', { host: 'x.a.com' }))).toBeNull();
    expect(table.find(get('/', { host: 'x.a.com', listener: 'infra/gw/exact' }))).toBeNull();
    expect([table.isUnserved('x.a.com'), table.isUnserved('y.a.com')]).toEqual([true, false]);
    expect(table.listenerOf('x.a.com')).toBe('infra/gw/exact');
    const shared = table.with({
      listeners: [listener('twin', 'x.a.com')],
      routes: [route('twin', [match()], { attachments: [on('twin', 'x.a.com')] })],
    });
    expect(shared.find(get('/', { host: 'x.a.com' }))?.route.name).toBe('twin');
    const mended = table.with({ listeners: [listener('exact', 'x.a.com')] });
    expect(mended.find(get('/', { host: 'x.a.com' }))?.route.name).toBe('own');
  });

  test('an exact host name of a route does not take a host from its listener', () => {
    const table = buildTable([listener('any'), listener('wild', '*.a.com')], [everywhere('x.a.com')]);
    expect(table.find(get('/', { host: 'x.a.com' }))).toBeNull();
  });

  test('attachments to listeners of other ports are ignored', () => {
    const table = buildTable([listener('any')], [route('r', [match()], { attachments: [on('other', '')] })]);
    expect(table.find(get('/'))).toBeNull();
  });

  test('the listener of the SNI must be the listener of the host', () => {
    const port = [listener('any'), listener('a', 'a.com')];
    const table = buildTable(port, [everywhere(''), route('a', [match()], { attachments: [on('a', 'a.com')] })]);
    expect(table.find(get('/', { host: 'a.com', listener: 'infra/gw/a' }))?.route.name).toBe('a');
    expect(table.find(get('/', { host: 'a.com', listener: 'infra/gw/any' }))).toBeNull();
    expect(table.find(get('/', { host: 'b.com', listener: 'infra/gw/a' }))).toBeNull();
    expect(table.listenerOf('b.com')).toBe('infra/gw/any');
  });

  test('routes of listeners with the same host name compete as equals', () => {
    const port = [listener('a', '*.a.com'), listener('b', '*.a.com')];
    const routes = ['a', 'b'].map((name) => route(name, [prefix(name === 'b' ? '/deep' : '/')], { attachments: [on(name, '*.a.com')] }));
    expect(buildTable(port, routes).find(get('/deep', { host: 'x.a.com' }))?.listener).toBe('infra/gw/b');
    expect(buildTable(port, routes).find(get('/', { host: 'x.a.com' }))?.listener).toBe('infra/gw/a');
  });

  test('a port without listeners has no match', () => {
    expect(buildTable([], [route('r', [match()])]).find(get('/'))).toBeNull();
    expect(buildTable([], []).listenerOf('a.com')).toBeNull();
  });
});

describe('invalid rules', () => {
  test('an invalid expression is reported with its field and affects no other rule', () => {
    const bad = route('bad', [prefix('/bad'), regex('/(', { headers: [matches('x', '[')] })]);
    const table = buildTable([listener('http')], [bad, route('good', [match()])]);
    expect(table.problems.map(({ routeKey, field }) => [routeKey, field])).toEqual([
      ['HTTPRoute/default/bad/0', 'matches/1/path/value'],
      ['HTTPRoute/default/bad/0', 'matches/1/headers/0/value'],
    ]);
    expect(table.find(get('/('))?.route.name).toBe('good');
    const found = table.find(get('/bad'));
    expect(found?.route.name).toBe('bad');
    expect(found?.invalidReason).toContain('missing closing )');
  });

  test('errors from the controller come first', () => {
    const table = buildTable([listener('http')], [route('r', [match(), regex('(')], { invalidReason: 'no such filter' })]);
    expect(table.find(get('/'))?.invalidReason).toBe('no such filter');
  });

  test('an invalid host name does not affect the others', () => {
    const table = buildTable([listener('http')], [route('r', [match()], { attachments: [on('http', 'A.com', 'b.com', '*')] })]);
    expect(table.problems.map(({ field }) => field)).toEqual(['attachments/0/hostnames/0', 'attachments/0/hostnames/2']);
    expect(table.find(get('/', { host: 'b.com' }))).toMatchObject({ invalidReason: null });
  });

  test.each(['a', '/a b', '/../x', '/%zz'])('path %j is reported', (value) => {
    expect(buildTable([listener('http')], [route('r', [exact(value)])]).problems).toHaveLength(1);
  });

  test('problems are removed with their route', () => {
    const table = buildTable([listener('http')], [route('a', [regex('(')]), route('b', [regex(')')])]);
    const fixed = table.with({ routes: [route('a', [regex('/a')])] });
    expect(fixed.problems.map(({ routeKey }) => routeKey)).toEqual(['HTTPRoute/default/b/0']);
    expect(fixed.with({ removedRoutes: ['HTTPRoute/default/b/0'] }).problems).toEqual([]);
  });

  test('expressions with exponential backtracking elsewhere take linear time', () => {
    const evil = ['/(a+)+', '/(a|a)*b', '/(.*)*x', '/(a*)*(a*)*b', '/([a-z]+)*[0-9]'];
    const routes = evil.map((expression, index) => route(`r${index}`, [regex(expression, { headers: [matches('x', '(a+)+b')] })]));
    const path = `/${'a'.repeat(20_000)}!`;
    expect(winner(routes, get(path, { headers: ['x', 'a'.repeat(20_000)] }))).toBeUndefined();
    expect(winner([route('r', [regex('/(a+)+!')])], get(path))).toBe('r');
  });
});

describe('changes', () => {
  const hosts = Array.from({ length: 50 }, (_, index) => `h${index}.com`);
  const of = (host: string, parts: Partial<Route> = {}): Route => route(host, [match()], { attachments: [on('http', host)], ...parts });
  const table = buildTable(
    [listener('http')],
    hosts.map((host) => of(host)),
  );

  test('a change of one route rebuilds one host and shares the others', () => {
    const next = table.with({ routes: [of('h7.com', { createdAt: 1 })] });
    expect(next.hostsRebuilt).toBe(1);
    expect(next.parts.hosts.get('h8.com')).toBe(table.parts.hosts.get('h8.com'));
    expect(next.find(get('/', { host: 'h7.com' }))?.route.createdAt).toBe(1);
    expect(table.find(get('/', { host: 'h7.com' }))?.route.createdAt).toBe(0);
  });

  test('a route that changes its host is removed from the old one', () => {
    const next = table.with({ routes: [of('h7.com', { attachments: [on('http', 'new.com')] })] });
    expect(next.hostsRebuilt).toBe(2);
    expect(next.find(get('/', { host: 'new.com' }))?.route.name).toBe('h7.com');
    expect(next.find(get('/', { host: 'h7.com' }))).toBeNull();
  });

  test('the same route again, or the removal of an unknown one, changes nothing', () => {
    const same = table.with({ routes: [], removedRoutes: ['HTTPRoute/x/y/0'] });
    expect(same.hostsRebuilt).toBe(0);
    const known = of('h1.com');
    const twice = table.with({ routes: [known] }).with({ routes: [known] });
    expect(twice.hostsRebuilt).toBe(0);
  });

  test('a route that is both removed and changed counts as changed', () => {
    const next = table.with({ routes: [of('h7.com', { createdAt: 9 })], removedRoutes: ['HTTPRoute/default/h7.com/0'] });
    expect(next.find(get('/', { host: 'h7.com' }))?.route.createdAt).toBe(9);
  });

  test('a listener that takes a host rebuilds that host, and its removal rebuilds it again', () => {
    const taken = table.with({ listeners: [listener('own', 'h7.com')] });
    expect(taken.hostsRebuilt).toBe(1);
    expect(taken.find(get('/', { host: 'h7.com' }))).toBeNull();
    expect(taken.find(get('/', { host: 'h8.com' }))).not.toBeNull();
    const back = taken.with({ removedListeners: ['infra/gw/own'] });
    expect(back.hostsRebuilt).toBe(1);
    expect(back.find(get('/', { host: 'h7.com' }))?.route.name).toBe('h7.com');
  });

  test('a change of a listener without its host name rebuilds nothing', () => {
    expect(table.with({ listeners: [{ ...listener('http'), protocol: 'HTTPS' }] }).hostsRebuilt).toBe(0);
  });

  test('results are frozen, and the same object while the route is the same', () => {
    const found = table.find(get('/', { host: 'h1.com' }));
    const next = table.with({ routes: [of('h2.com', { createdAt: 1 })] });
    expect(Object.isFrozen(found)).toBe(true);
    expect(next.find(get('/', { host: 'h1.com' }))).toBe(found);
  });
});
