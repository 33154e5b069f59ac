import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { describeError } from './field-error.ts';
import { KINDS } from './kinds.ts';
import { validateObject } from './validate.ts';

const GATEWAY_API = 'gateway.networking.k8s.io/v1';
type Spec = Record<string, unknown>;

function route(spec: unknown, kind = 'HTTPRoute'): unknown {
  return { apiVersion: GATEWAY_API, kind, metadata: { name: 'x', namespace: 'infra' }, spec };
}

function gateway(spec: Spec): unknown {
  return route({ gatewayClassName: 'weir', ...spec }, 'Gateway');
}

function listener(parts: Spec): unknown {
  return gateway({ listeners: [{ name: 'a', port: 80, protocol: 'HTTP', ...parts }] });
}

function rule(parts: Spec): unknown {
  return route({ rules: [parts] });
}

function match(parts: Spec): unknown {
  return rule({ matches: [parts] });
}

function filter(parts: Spec): unknown {
  return rule({ filters: [parts] });
}

/** Errors as `field: reason`. */
function errors(object: unknown, strict = true): string[] {
  const result = validateObject(object, { strict });
  return result.ok ? [] : result.error.map(describeError);
}

test('a word that YAML reads as a boolean gets the advice to write it in quotes', () => {
  const policy = (kind: string, spec: Spec): unknown => ({ ...(route(spec, kind) as Spec), apiVersion: 'gateway.weir.dev/v1alpha1' });
  const targetRefs = [{ kind: 'Gateway', name: 'a' }];
  expect(errors(policy('ClientTrafficPolicy', { targetRefs, proxyProtocol: { mode: false } }))).toEqual([
    'spec.proxyProtocol.mode: must be one of Off, Required; write "Off" in quotes: without them YAML reads false',
  ]);
  expect(errors(policy('HTTPPolicy', { targetRefs, openapi: { request: false } }))).toEqual([
    'spec.openapi.request: must be one of Enforce, Report, Off; write "Off" in quotes: without them YAML reads false',
  ]);
  expect(errors(policy('HTTPPolicy', { targetRefs, openapi: { request: true } }))).toEqual([
    'spec.openapi.request: must be one of Enforce, Report, Off',
  ]);
});

/** The validated object. */
function filled(object: unknown): Record<string, unknown> {
  const result = validateObject(object, { strict: true });
  if (!result.ok) throw new Error(result.error.map(describeError).join('\n'));
  return result.value as unknown as Record<string, unknown>;
}

describe('defaults of the API server', () => {
  test('a bare route', () => {
    expect(filled(route({ parentRefs: [{ name: 'web' }], rules: [{ backendRefs: [{ name: 'app', port: 80 }] }] }))['spec']).toEqual({
      parentRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'web' }],
      hostnames: [],
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/' }, headers: [], queryParams: [] }],
          filters: [],
          backendRefs: [{ group: '', kind: 'Service', name: 'app', port: 80, weight: 1, filters: [] }],
        },
      ],
    });
  });

  test('a bare listener', () => {
    expect(filled(listener({}))['spec']).toMatchObject({
      addresses: [],
      listeners: [{ hostname: '', allowedRoutes: { namespaces: { from: 'Same' }, kinds: [] } }],
    });
  });

  test('two objects do not share their defaults', () => {
    const rules = (object: unknown) => (filled(object)['spec'] as { rules: object[] }).rules;
    expect(rules(route({}))[0]).not.toBe(rules(route({}))[0]);
  });

  test('a namespaced object without a namespace gets default, a cluster-scoped one gets none', () => {
    const anonymous = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' } };
    expect(filled(anonymous)['metadata']).toEqual({ name: 'x', namespace: 'default' });
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'x', namespace: 'y' } };
    expect(filled(namespace)['metadata']).toEqual({ name: 'x' });
  });

  test('null counts as absent', () => {
    const slice = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'x', labels: null }, addressType: 'IPv4' };
    expect(filled({ ...slice, endpoints: null, ports: null })).toMatchObject({ endpoints: [], ports: [] });
  });

  test('another version with the same schema becomes the main version', () => {
    const old = { apiVersion: 'gateway.networking.k8s.io/v1beta1', kind: 'HTTPRoute', metadata: { name: 'x' }, spec: {} };
    expect(filled(old)['apiVersion']).toBe(GATEWAY_API);
  });

  test('the input is not changed', () => {
    const input = Object.freeze({
      apiVersion: GATEWAY_API,
      kind: 'HTTPRoute',
      metadata: Object.freeze({ name: 'x' }),
      spec: Object.freeze({}),
    });
    expect(filled(input)).not.toBe(input);
  });
});

describe('structure', () => {
  test.each<[string, unknown, string[]]>([
    ['not an object', 7, ['must be an object']],
    ['no kind', {}, ['apiVersion: is required', 'kind: is required']],
    ['another group', route({}, 'Widget'), [`kind: ${GATEWAY_API} Widget is not a kind that Weir reads`]],
    ['no metadata', { apiVersion: 'v1', kind: 'Namespace' }, ['metadata: is required']],
    ['no name', { apiVersion: 'v1', kind: 'Namespace', metadata: {} }, ['metadata.name: is required']],
    ['a wrong type', route({ rules: 'all' }), ['spec.rules: must be an array']],
    ['an empty list', route({ rules: [] }), ['spec.rules: must not be empty']],
    [
      'a wrong choice',
      match({ method: 'FETCH' }),
      ['spec.rules[0].matches[0].method: must be one of GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH'],
    ],
    ['a number too large', listener({ port: 65536 }), ['spec.listeners[0].port: must be at most 65535']],
    [
      'a bad host name',
      route({ hostnames: ['Example.com'] }),
      ['spec.hostnames[0]: must be a lower-case host name, with at most a leading "*."'],
    ],
    [
      'a bad header name',
      match({ headers: [{ name: 'a b', value: 'x' }] }),
      ['spec.rules[0].matches[0].headers[0].name: must be a header name (an RFC 9110 token)'],
    ],
    [
      'a header value with a line break',
      filter({ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'a', value: 'x\r\ny' }] } }),
      [
        'spec.rules[0].filters[0].requestHeaderModifier.set[0].value: must be a header value without control characters or space at either end',
      ],
    ],
    [
      'a bad duration',
      rule({ timeouts: { request: '10' } }),
      ['spec.rules[0].timeouts.request: must be a duration like 10s, 1h30m or 100ms'],
    ],
    ['too many rules', route({ rules: Array.from({ length: 17 }, () => ({})) }), ['spec.rules: must have at most 16 entries']],
  ])('%s', (_, object, expected) => {
    expect(errors(object)).toEqual(expected);
    expect(errors(object, false)).toEqual(expected);
  });

  test('reports all errors at once', () => {
    expect(errors(gateway({ listeners: [{ port: 0, protocol: '' }] }))).toHaveLength(3);
  });
});

const MODIFIERS = { request: 'RequestHeaderModifier', response: 'ResponseHeaderModifier' } as const;

/** A rule with one modifier, and the path of its lists. */
function modifier(side: keyof typeof MODIFIERS, edits: Spec): unknown {
  return filter({ type: MODIFIERS[side], [`${side}HeaderModifier`]: edits });
}

function editError(side: string, field: string, reason: string): string {
  return `spec.rules[0].filters[0].${side}HeaderModifier.${field}: ${reason}`;
}

const header = (name: string, value = 'x'): Spec => ({ name, value });
const HOP_BY_HOP = 'belongs to one connection, and Weir writes its own for the next';
const FRAMING = 'frames the message, and Weir writes what its body is';

/** Edits of headers that modifiers must not contain. */
const HEADER_EDITS: readonly [string, unknown, string][] = [
  ...(['request', 'response'] as const).flatMap((side): [string, unknown, string][] => [
    ...['Connection', 'Keep-Alive', 'Proxy-Connection', 'Upgrade', 'TE', 'HTTP2-Settings'].map((name): [string, unknown, string] => [
      `set ${name} of a ${side}`,
      modifier(side, { set: [header(name)] }),
      editError(side, 'set[0].name', `${name.toLowerCase()} ${HOP_BY_HOP}`),
    ]),
    ...['Content-Length', 'Transfer-Encoding', 'Trailer', 'Content_Length', 'transfer_encoding'].map((name): [string, unknown, string] => [
      `remove ${name} of a ${side}`,
      modifier(side, { remove: [name] }),
      editError(side, 'remove[0]', `${name.toLowerCase()} ${FRAMING}`),
    ]),
    [
      `a header that a ${side} gets and loses`,
      modifier(side, { set: [header('X-A')], remove: ['x-b', 'x-a'] }),
      editError(side, 'remove[1]', 'x-a is in set already'),
    ],
    [
      `a header that a ${side} loses and gets`,
      modifier(side, { add: [header('x-a')], remove: ['X-A'] }),
      editError(side, 'remove[0]', 'x-a is in add already'),
    ],
    [
      `a header of a ${side} that is replaced and added to`,
      modifier(side, { set: [header('x-a')], add: [header('x-b'), header('X-a')] }),
      editError(side, 'add[1].name', 'x-a is in set already'),
    ],
  ]),
  [
    'a second Host',
    modifier('request', { add: [header('Host')] }),
    editError('request', 'add[0].name', 'host can only be set: a request has exactly one'),
  ],
  [
    'no Host',
    modifier('request', { remove: ['HOST'] }),
    editError('request', 'remove[0]', 'host can only be set: a request has exactly one'),
  ],
  [
    'a Host that is none',
    modifier('request', { set: [header('host', 'a/b')] }),
    editError('request', 'set[0].value', 'must be a host, with a port or without'),
  ],
  [
    'Expect of our own',
    modifier('request', { set: [header('Expect', '100-continue')] }),
    editError('request', 'set[0].name', 'expect can only be removed: to wait for a 100 is up to the client'),
  ],
  [
    'Host of an answer',
    modifier('response', { set: [header('Host')] }),
    editError('response', 'set[0].name', 'host is a header of requests'),
  ],
  [
    'Expect of an answer',
    modifier('response', { remove: ['expect'] }),
    editError('response', 'remove[0]', 'expect is a header of requests'),
  ],
];

const MATCH = 'spec.rules[0].matches[0].headers[0]';

/** Conditions on headers that no request can meet when it reaches a route. */
const HEADER_MATCHES: readonly [string, unknown, string][] = [
  ...['Connection', 'Keep-Alive', 'Proxy-Connection', 'HTTP2-Settings', 'Transfer-Encoding'].map((name): [string, unknown, string] => [
    `a condition on ${name}`,
    match({ headers: [header(name)] }),
    `${MATCH}.name: ${name.toLowerCase()} cannot be matched: it belongs to one connection of HTTP/1.1`,
  ]),
  [
    'a condition on Content_Length',
    match({ headers: [header('Content_Length')] }),
    `${MATCH}.name: content_length can match nothing: Weir refuses requests with it`,
  ],
  ['another TE', match({ headers: [header('TE', 'gzip')] }), `${MATCH}.value: must be trailers: any other belongs to one connection`],
  ['another Expect', match({ headers: [header('Expect', 'x')] }), `${MATCH}.value: must be 100-continue: Weir refuses any other`],
  [
    'a length that is none',
    match({ headers: [header('Content-Length', '007')] }),
    `${MATCH}.value: must be a number without leading zeros`,
  ],
  ['a Host that is none', match({ headers: [header('Host', 'a b')] }), `${MATCH}.value: must be a host, with a port or without`],
];

describe('errors of strict validation only', () => {
  const redirect = { type: 'RequestRedirect', requestRedirect: {} };
  const prefixRewrite = { type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } } };
  const path = (value: string, type = 'PathPrefix') => match({ path: { type, value } });
  const PATH = 'spec.rules[0].matches[0].path.value';

  test.each<[string, unknown, string]>([
    ['an unknown field', route({ hostname: ['a'] }), 'spec.hostname: is not a known field; did you mean hostnames?'],
    ['a field that is like no other', route({ zzz: 1 }), 'spec.zzz: is not a known field'],
    ['a path without /', path('api'), `${PATH}: must start with /`],
    ['//', path('/a//b'), `${PATH}: must not contain //`],
    ['/./', path('/a/./b'), `${PATH}: must not contain /./`],
    ['/../', path('/a/../b'), `${PATH}: must not contain /../`],
    ['%2f', path('/a%2fb'), `${PATH}: must not contain %2f`],
    ['#', path('/a#b', 'Exact'), `${PATH}: must not contain #`],
    ['escaped dot segments', path('/a/%2E%2e/b'), `${PATH}: must not contain /../`],
    ['an escaped dot at the end', path('/a/%2e', 'Exact'), `${PATH}: must not end with /.`],
    ['an escaped control character', path('/a%00', 'Exact'), `${PATH}: must not hold a control character, escaped or not`],
    [
      'a % in a redirect that begins no escape',
      filter({ type: 'RequestRedirect', requestRedirect: { path: { type: 'ReplaceFullPath', replaceFullPath: '/100%' } } }),
      'spec.rules[0].filters[0].requestRedirect.path.replaceFullPath: holds a % that begins no escape; the character is written as %25',
    ],
    [
      'a control character in a rewrite',
      filter({ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplaceFullPath', replaceFullPath: '/a%0d%0ab' } } }),
      'spec.rules[0].filters[0].urlRewrite.path.replaceFullPath: must not hold a control character, escaped or not',
    ],
    ['/.. at the end', path('/a/..'), `${PATH}: must not end with /..`],
    ['a blank in a path', path('/a b'), `${PATH}: holds a character that a path must write as %XX`],
    [
      'a header listed twice',
      match({
        headers: [
          { name: 'a', value: '1' },
          { name: 'a', value: '2' },
        ],
      }),
      'spec.rules[0].matches[0].headers[1].name: is listed twice',
    ],
    ['a filter without settings', filter({ type: 'CORS' }), 'spec.rules[0].filters[0].cors: is required for type CORS'],
    ['settings of another type', filter({ ...redirect, cors: {} }), 'spec.rules[0].filters[0].cors: needs type CORS'],
    ['a repeated filter', rule({ filters: [redirect, redirect] }), 'spec.rules[0].filters[1]: RequestRedirect must not be repeated'],
    [
      'redirect with rewrite',
      rule({ filters: [redirect, prefixRewrite] }),
      'spec.rules[0].filters: RequestRedirect and URLRewrite must not be used together',
    ],
    [
      'redirect with a backend',
      rule({ filters: [redirect], backendRefs: [{ name: 'a', port: 1 }] }),
      'spec.rules[0].backendRefs: must be empty in a rule with a RequestRedirect filter',
    ],
    [
      'a prefix to replace in an exact match',
      rule({ matches: [{ path: { type: 'Exact', value: '/a' } }], filters: [prefixRewrite] }),
      'spec.rules[0].filters[0].urlRewrite.path.replacePrefixMatch: needs a rule with exactly one match, of type PathPrefix',
    ],
    [
      'the same in a backend',
      rule({ matches: [{}, {}], backendRefs: [{ name: 'a', port: 1, filters: [prefixRewrite] }] }),
      'spec.rules[0].backendRefs[0].filters[0].urlRewrite.path.replacePrefixMatch: needs a rule with exactly one match, of type PathPrefix',
    ],
    ...HEADER_EDITS,
    ...HEADER_MATCHES,
    ['CONNECT', match({ method: 'CONNECT' }), 'spec.rules[0].matches[0].method: CONNECT can match nothing: Weir refuses it'],
    [
      'a Host with a port beyond the last',
      filter({ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'Host', value: 'a:65536' }] } }),
      'spec.rules[0].filters[0].requestHeaderModifier.set[0].value: must be a host, with a port or without',
    ],
    [
      'an origin with a port beyond the last',
      filter({ type: 'CORS', cors: { allowOrigins: ['https://a.b:65536'] } }),
      'spec.rules[0].filters[0].cors.allowOrigins[0]: must have a port from 1 to 65535',
    ],
    [
      'a Backend with a host name',
      {
        apiVersion: 'gateway.weir.dev/v1alpha1',
        kind: 'Backend',
        metadata: { name: 'a' },
        spec: { endpoints: [{ ip: 'db.internal', port: 80 }] },
      },
      'spec.endpoints[0].ip: must be an IPv4 or IPv6 address; a host name is not supported',
    ],
    ['a Service without port', rule({ backendRefs: [{ name: 'a' }] }), 'spec.rules[0].backendRefs[0].port: is required for a Service'],
    [
      '* beside others',
      filter({ type: 'CORS', cors: { allowOrigins: ['*', 'https://a.b'] } }),
      'spec.rules[0].filters[0].cors.allowOrigins: must not hold anything else beside *',
    ],
    [
      'attempts longer than the request',
      rule({ timeouts: { request: '1s', backendRequest: '1001ms' } }),
      'spec.rules[0].timeouts.backendRequest: must not be longer than the request timeout',
    ],
    [
      'two rules of one name',
      route({ rules: [{ name: 'a' }, { name: 'a' }] }),
      'spec.rules[1].name: is the name of another rule of this route',
    ],
    ['one parent twice', route({ parentRefs: [{ name: 'a' }, { name: 'a' }] }), 'spec.parentRefs[1]: is listed twice'],
    [
      'too many matches',
      route({ rules: Array.from({ length: 3 }, () => ({ matches: Array.from({ length: 64 }, () => ({})) })) }),
      'spec.rules: must have at most 128 matches altogether',
    ],
    [
      'two listeners of one name',
      gateway({
        listeners: [
          { name: 'a', port: 80, protocol: 'HTTP' },
          { name: 'a', port: 81, protocol: 'HTTP' },
        ],
      }),
      'spec.listeners[1].name: is the name of another listener of this object',
    ],
    [
      'two listeners that are the same',
      gateway({
        listeners: [
          { name: 'a', port: 80, protocol: 'HTTP' },
          { name: 'b', port: 80, protocol: 'HTTP' },
        ],
      }),
      'spec.listeners[1]: has the port, protocol and hostname of another listener',
    ],
    ['tls on HTTP', listener({ tls: { certificateRefs: [{ name: 'a' }] } }), 'spec.listeners[0].tls: must not be set for protocol HTTP'],
    [
      'no certificate',
      listener({ protocol: 'HTTPS', tls: {} }),
      'spec.listeners[0].tls.certificateRefs: must not be empty when mode is Terminate',
    ],
    [
      'passthrough of HTTPS',
      listener({ protocol: 'HTTPS', tls: { mode: 'Passthrough' } }),
      'spec.listeners[0].tls.mode: must be Terminate for protocol HTTPS',
    ],
    ['TLS without tls', listener({ protocol: 'TLS' }), 'spec.listeners[0].tls: is required for protocol TLS'],
    ['a host name on TCP', listener({ protocol: 'TCP', hostname: 'a.b' }), 'spec.listeners[0].hostname: must not be set for protocol TCP'],
    [
      'an address that is none',
      gateway({ listeners: [{ name: 'a', port: 1, protocol: 'HTTP' }], addresses: [{ value: '1.2.3' }] }),
      'spec.addresses[0].value: must be an IP address',
    ],
  ])('%s', (_, object, expected) => {
    expect(errors(object)).toEqual([expected]);
    expect(errors(object, false)).toEqual([]);
  });

  test.each(['(?=a)', '(?<!a)', '(a)\\1', '(', '[z-a]'])('%s is not an RE2 expression', (value) => {
    expect(errors(path(value, 'RegularExpression'))[0]).toMatch(
      /^spec\.rules\[0\]\.matches\[0\]\.path\.value: is not an RE2 regular expression: /,
    );
    expect(errors(match({ headers: [{ name: 'a', type: 'RegularExpression', value }] }))).toHaveLength(1);
    expect(errors(match({ queryParams: [{ name: 'a', type: 'RegularExpression', value }] }))).toHaveLength(1);
  });

  test.each(['/v[0-9]+/(?:a|b)', '(?i)/API', '.*', '\\p{Greek}'])('%s is an RE2 expression', (value) => {
    expect(errors(path(value, 'RegularExpression'))).toEqual([]);
  });

  test.each([
    header('Host', 'a:80'),
    header('Upgrade', 'WebSocket'),
    header('Content-Length', '0'),
    header('Expect', '100-Continue'),
    header('TE', 'trailers'),
    { ...header('TE', '.*'), type: 'RegularExpression' },
  ])('a condition on %j is valid, also in a GRPCRoute', (condition) => {
    expect(errors(match({ headers: [condition] }))).toEqual([]);
    expect(errors(route({ rules: [{ matches: [{ headers: [condition] }] }] }, 'GRPCRoute'))).toEqual([]);
  });

  test('a GRPCRoute has the same rules', () => {
    expect(errors(route({ rules: [{ matches: [{ headers: [header('Connection')] }] }] }, 'GRPCRoute'))).toHaveLength(1);
  });

  test.each(['a', 'A.internal', 'a:8080', '[::1]', '[::1]:80', '10.0.0.1'])('Host %s may be set, and Expect removed', (host) => {
    expect(errors(modifier('request', { set: [header('Host', host)], remove: ['Expect'] }))).toEqual([]);
  });

  test('names in one list that differ only in case are accepted, as in the Gateway API', () => {
    const headers = [header('x-a', '1'), header('X-A', '2')];
    expect(errors(modifier('request', { set: headers, remove: ['x-b', 'X-B'] }))).toEqual([]);
    expect(errors(modifier('response', { add: headers }))).toEqual([]);
  });

  test('filters of a backend and of a GRPCRoute have the same rules', () => {
    const filters = [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: [header('Connection')] } }];
    const path = 'requestHeaderModifier.set[0].name';
    expect(errors(rule({ backendRefs: [{ name: 'a', port: 1, filters }] }))).toEqual([
      `spec.rules[0].backendRefs[0].filters[0].${path}: connection ${HOP_BY_HOP}`,
    ]);
    expect(errors(route({ rules: [{ filters }] }, 'GRPCRoute'))).toEqual([`spec.rules[0].filters[0].${path}: connection ${HOP_BY_HOP}`]);
  });

  test('a request timeout of zero is no limit', () => {
    expect(errors(rule({ timeouts: { request: '0s', backendRequest: '1h' } }))).toEqual([]);
  });
});

describe('validateObject', () => {
  test('refuses an object that contains itself', () => {
    const spec: Record<string, unknown> = {};
    spec['self'] = [spec, spec];
    expect(errors(route(spec))).toEqual(['is nested too deeply']);
  });

  test('never throws, and accepts its own results unchanged', () => {
    const kind = fc.constantFrom(...Object.values(KINDS));
    const name = fc.constantFrom(
      'spec',
      'rules',
      'matches',
      'listeners',
      'data',
      'endpoints',
      'ports',
      'name',
      '__proto__',
      'constructor',
      'x',
    );
    const value = fc.object({ key: name, maxDepth: 5, values: [fc.string(), fc.integer(), fc.boolean(), fc.constant(null)] });
    fc.assert(
      fc.property(kind, value, fc.boolean(), ({ apiVersion, kind: kindName }, content, strict) => {
        const once = validateObject({ ...content, apiVersion, kind: kindName, metadata: { name: 'x' } }, { strict });
        if (once.ok) expect(validateObject(once.value, { strict })).toEqual(once);
      }),
      { numRuns: 500 },
    );
  });
});

describe('kinds', () => {
  test.each(Object.entries(KINDS))('%s has its key as its name', (name, { kind, plural }) => {
    expect(kind).toBe(name);
    expect(plural).toBe(plural.toLowerCase());
  });
});

describe('GRPCRoute', () => {
  const grpc = (parts: Spec): unknown => route({ rules: [parts] }, 'GRPCRoute');
  const method = (parts: Spec): unknown => grpc({ matches: [{ method: parts }] });
  const METHOD = 'spec.rules[0].matches[0].method';

  test('a bare route', () => {
    expect(filled(grpc({ matches: [{ method: { service: 'a.B' } }], backendRefs: [{ name: 'app', port: 80 }] }))['spec']).toEqual({
      parentRefs: [],
      hostnames: [],
      rules: [
        {
          matches: [{ method: { type: 'Exact', service: 'a.B' }, headers: [] }],
          filters: [],
          backendRefs: [{ group: '', kind: 'Service', name: 'app', port: 80, weight: 1, filters: [] }],
        },
      ],
    });
  });

  test.each([
    [{}, `${METHOD}: must have a service, a method or both`],
    [{ service: 'a/b' }, `${METHOD}.service: must be a name as protocol buffers have them: letters, digits and "_"`],
    [{ method: 'a.b' }, `${METHOD}.method: must be a name as protocol buffers have them: letters, digits and "_"`],
    [{ type: 'Prefix', service: 'a' }, `${METHOD}.type: must be one of Exact, RegularExpression`],
    [{ type: 'RegularExpression', method: '(' }, expect.stringContaining(`${METHOD}.method: is not an RE2 regular expression`)],
  ])('method %j', (parts, expected) => expect(errors(method(parts))).toEqual([expected]));

  test.each([
    { service: '.a.B_1', method: '_Do' },
    { type: 'RegularExpression', service: '[a-z]+', method: '' },
  ])('method %j is valid', (parts) => expect(errors(method(parts))).toEqual([]));

  test('has no HTTP filters, and no filter twice', () => {
    expect(errors(grpc({ filters: [{ type: 'URLRewrite', urlRewrite: {} }] }))).toContain(
      'spec.rules[0].filters[0].type: must be one of RequestHeaderModifier, ResponseHeaderModifier, RequestMirror, ExtensionRef',
    );
    const twice = { type: 'RequestHeaderModifier', requestHeaderModifier: { remove: ['x'] } };
    expect(errors(grpc({ filters: [twice, twice] }))).toEqual(['spec.rules[0].filters[1]: RequestHeaderModifier must not be repeated']);
  });

  test('references and names have the rules of other routes', () => {
    const rules = [{ name: 'a', backendRefs: [{ name: 'app' }] }, { name: 'a' }];
    const parentRefs = [{ name: 'web' }, { name: 'web' }];
    expect(errors(route({ parentRefs, rules }, 'GRPCRoute'))).toEqual([
      'spec.rules[0].backendRefs[0].port: is required for a Service',
      'spec.rules[1].name: is the name of another rule of this route',
      'spec.parentRefs[1]: is listed twice',
    ]);
  });
});

describe('policies', () => {
  test('report the required form of a name, not the purpose of the field', () => {
    const spec = { targetRefs: [{ kind: 'Gateway', name: 'Edge' }] };
    const policy = { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'ClientTrafficPolicy', metadata: { name: 'p' }, spec };
    expect(errors(policy)).toEqual(['spec.targetRefs[0].name: must be lower-case letters, digits, "-" and "." (a DNS name)']);
  });
});
