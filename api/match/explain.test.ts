import { expect, test } from '@jest/globals';
import { explain } from './explain.ts';
import { printExplanation, printTable, printTree } from './print.ts';
import { buildTable } from './table.ts';
import { equals, exact, get, grpcMethod, listener, match, matches, on, prefix, regex, route } from './testdata/make.ts';

const shop = on('http', 'shop.example.com');
const anywhere = on('http', '*.example.com');
const backends = [
  { cluster: 'Service/default/cart/80', weight: 9, filters: [] },
  { cluster: null, invalidReason: 'BackendNotFound', weight: 1, filters: [] },
];

const table = buildTable(
  [listener('http', '*.example.com'), listener('other')],
  [
    route('cart', [prefix('/cart', { method: 'POST' }), prefix('/cart')], { attachments: [shop], createdAt: 1, backends, ruleName: 'all' }),
    route('copy', [prefix('/cart/')], { attachments: [shop], createdAt: 2 }),
    route('beta', [prefix('/cart', { headers: [equals('x-beta', '1'), matches('x-team', 'a|b')] })], { attachments: [shop] }),
    route('search', [match({ queryParams: [equals('q', 'a b')] })], { attachments: [shop] }),
    route('item', [exact('/cart/1'), regex('/cart/[0-9]+')], { attachments: [shop] }),
    route('fallback', [match()], { attachments: [anywhere] }),
    route('elsewhere', [match()], { attachments: [on('http', 'www.example.com')] }),
    route('foreign', [match()], { attachments: [on('other', '')] }),
    route('broken', [prefix('/broken'), regex('/(')], { attachments: [shop] }),
  ],
);

test('lists every match in the order of the search, with the reason why it lost', () => {
  const request = get('/cart/x', { host: 'shop.example.com', headers: ['x-beta', '2'], query: 'q=a' });
  expect(printExplanation(explain(table, request), true)).toBe(
    `GET shop.example.com/cart/x?q=a
listener  infra/gw/http: "*.example.com" covers "shop.example.com", more specifically than 1 other listener host name
winner    HTTPRoute default/cart, rule 0 "all", match 1
match     PathPrefix /cart
filters   none
backends  Service/default/cart/80 weight 9, invalid: BackendNotFound weight 1
tried, in this order
  lost  HTTPRoute/default/item/0 match 0, host shop.example.com: Exact /cart/1
        path: wanted exactly "/cart/1"
  lost  HTTPRoute/default/item/0 match 1, host shop.example.com: RegularExpression /cart/[0-9]+
        path: wanted a match of "/cart/[0-9]+"
  lost  HTTPRoute/default/broken/0 match 0, host shop.example.com: PathPrefix /broken
        path: wanted "/broken" or a path below it
  lost  HTTPRoute/default/cart/0 match 0, host shop.example.com: POST PathPrefix /cart
        method: wanted POST, got GET
  lost  HTTPRoute/default/beta/0 match 0, host shop.example.com: PathPrefix /cart header x-beta="1" header x-team=~"a|b"
        header x-beta: wanted "1", got "2"
  won   HTTPRoute/default/cart/0 match 1, host shop.example.com: PathPrefix /cart
  lost  HTTPRoute/default/copy/0 match 0, host shop.example.com: PathPrefix /cart/
        lost the tie: younger than HTTPRoute/default/cart/0
  lost  HTTPRoute/default/search/0 match 0, host shop.example.com: PathPrefix / query q="a b"
        query q: wanted "a b", got "a"
  lost  HTTPRoute/default/fallback/0 match 0, host *.example.com: PathPrefix /
        host "shop.example.com" is more specific than "*.example.com"
  lost  HTTPRoute/default/elsewhere/0 match 0, host www.example.com: PathPrefix /
        host: wanted "www.example.com"
  lost  HTTPRoute/default/foreign/0 match 0, host (any): PathPrefix /
        listener infra/gw/other does not serve the request`,
  );
});

test('omits other hosts and listeners, but counts them', () => {
  const lines = printExplanation(explain(table, get('/', { host: 'www.example.com' }))).split('\n');
  expect(lines.filter((line) => line.startsWith('  '))).toHaveLength(3);
  expect(lines.at(-1)).toBe('9 more belong to other hosts or listeners');
});

test('reports a host without a listener', () => {
  const alone = buildTable([listener('a', 'a.com')], []);
  const explanation = explain(alone, get('/', { host: 'b.com' }));
  expect(explanation).toMatchObject({ winner: null, considered: [], listener: { hostname: null } });
  expect(printExplanation(explanation)).toBe('GET b.com/\nlistener  none: no listener has a host name that covers "b.com"\nwinner    none');
});

test('reports a misdirected request', () => {
  const explanation = explain(table, get('/', { host: 'other.com', listener: 'infra/gw/http' }));
  expect(explanation.winner).toBeNull();
  expect(explanation.listener.reason).toBe(
    'misdirected: SNI picked infra/gw/http, but "" covers "other.com", as no other listener host name does',
  );
});

test('an invalid rule wins with its reason', () => {
  const text = printExplanation(explain(table, get('/broken', { host: 'shop.example.com' })));
  expect(text).toContain('\ninvalid   error parsing regexp: missing closing )');
});

test('is unchanged by JSON', () => {
  const explanation = explain(table, get('/cart/7', { host: 'shop.example.com' }));
  expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation);
});

test('a request cannot write control characters to the terminal', () => {
  const text = printExplanation(explain(table, get('/', { host: 'shop.example.com', query: '\u001b[2Jx', method: 'G\u009bT' })));

  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});

test('reports a listener that cannot be served, with the reason', () => {
  const unserved = { ...listener('shop', 'shop.example.com'), unserved: 'Secret/infra/shop does not exist' };
  const broken = buildTable([listener('http', '*.example.com'), unserved], [route('fallback', [match()], { attachments: [anywhere] })]);
  const explanation = explain(broken, get('/', { host: 'shop.example.com' }));
  expect(explanation.winner).toBeNull();
  expect(printExplanation(explanation)).toBe(
    `GET shop.example.com/
listener  none: "shop.example.com" covers "shop.example.com", more specifically than 1 other listener host name, but listener infra/gw/shop cannot be served (Secret/infra/shop does not exist): no listener answers for it
winner    none
1 more belong to other hosts or listeners`,
  );
  expect(printTable(broken)).toContain('host shop.example.com, listener infra/gw/shop (not served): no routes');
});

test('a table prints its hosts and matches in the order of the search', () => {
  expect(printTable(table)).toBe(
    `host shop.example.com, listener infra/gw/http
  Exact /cart/1  ->  HTTPRoute/default/item/0 match 0
  RegularExpression /cart/[0-9]+  ->  HTTPRoute/default/item/0 match 1
  PathPrefix /broken  ->  HTTPRoute/default/broken/0 match 0  INVALID: error parsing regexp: missing closing ): \`/(\`
  POST PathPrefix /cart  ->  HTTPRoute/default/cart/0 match 0
  PathPrefix /cart header x-beta="1" header x-team=~"a|b"  ->  HTTPRoute/default/beta/0 match 0
  PathPrefix /cart  ->  HTTPRoute/default/cart/0 match 1
  PathPrefix /cart/  ->  HTTPRoute/default/copy/0 match 0
  PathPrefix / query q="a b"  ->  HTTPRoute/default/search/0 match 0
host www.example.com, listener infra/gw/http
  PathPrefix /  ->  HTTPRoute/default/elsewhere/0 match 0
host *.example.com, listener infra/gw/http
  PathPrefix /  ->  HTTPRoute/default/fallback/0 match 0
host (any), listener infra/gw/other
  PathPrefix /  ->  HTTPRoute/default/foreign/0 match 0
problem in HTTPRoute/default/broken/0 at matches/1/path/value: error parsing regexp: missing closing ): \`/(\``,
  );
});

test('a host prints its radix tree', () => {
  expect(printTree(table, 'shop.example.com')).toBe(
    `"" prefix 1
  "/"
    "broken" prefix 1
    "cart" prefix 4
      "/1" exact 1
~ RegularExpression /cart/[0-9]+  ->  HTTPRoute/default/item/0 match 1`,
  );
  expect(printTree(table, 'unknown')).toBe('');
});

test('gRPC methods: in full, by service, by expression, any; the longer service, then the longer method first', () => {
  const grpc = { objectKind: 'GRPCRoute' };
  const calls = buildTable(
    [listener('http')],
    [
      route('any', [match()], grpc),
      route('method', [match({ path: grpcMethod('', 'Check') })], grpc),
      route('longer', [match({ path: grpcMethod('a.*', 'Check') })], grpc),
      route('service', [prefix('/a.B')], grpc),
      route('full', [exact('/a.B/Go')], grpc),
    ],
  );
  const winner = (path: string): string | undefined => calls.find(get(path))?.route.name;
  expect(['/a.B/Go', '/a.B/Check', '/a.C/Check', '/b.C/Check', '/b.C/Go', '/'].map(winner)).toEqual([
    'full',
    'service',
    'longer',
    'method',
    'any',
    'any',
  ]);
  const reasons = explain(calls, get('/a.C/Check')).considered.map(({ routeKey, loss }) => [routeKey, loss?.reason]);
  expect(reasons).toEqual([
    ['GRPCRoute/default/full/0', 'path: wanted exactly "/a.B/Go"'],
    ['GRPCRoute/default/service/0', 'path: wanted "/a.B" or a path below it'],
    ['GRPCRoute/default/longer/0', undefined],
    ['GRPCRoute/default/method/0', 'the service of "/(?:a.*)/(?:Check)" is longer than that of "/(?:[^/]+)/(?:Check)"'],
    ['GRPCRoute/default/any/0', 'GrpcMethod paths go before the prefix /'],
  ]);
});
