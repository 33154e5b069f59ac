// The client address behind proxies: headers of trusted proxies are believed as far as they are valid, and headers of any other peer
// do not reach logs, routes or backends.
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type * as ir from '#api/ir/ir.ts';
import { openSession, request as requestH2 } from '../support/h2-client.ts';
import { closeAfterEach, closeLater, get, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { header, status } from '../support/message.ts';
import type { Message } from '../support/message.ts';
import { backend, cluster, listener, LISTENER_PORT, pathMatch, route, startProxy, toUpstream } from '../support/proxy.ts';
import type { RawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

closeAfterEach();

/** Source addresses of these tests: a proxy, a proxy behind it that is only in headers, and a stranger. */
const PROXY = '127.0.0.2';
const STRANGER = '127.0.0.9';
const RANGES = ['127.0.0.2/32', '10.0.0.0/8', 'fd00::/8'];

type Settings = Readonly<Record<string, unknown>>;

function policy(clientIP: Settings, target: Partial<ir.PolicyTarget> = {}, more: Settings = {}): ir.Policy {
  const whole = { kind: 'Gateway', namespace: 'default', name: 'gateway', section: '', ...target };
  const name = `client-ip-${whole.section}`;
  const described = { kind: 'Policy', key: `ClientTrafficPolicy/default/${name}`, policyKind: 'ClientTrafficPolicy', name } as const;
  return { ...described, namespace: 'default', createdAt: 0, targets: [whole], settings: { clientIP, ...more } };
}

/** Headers of these names, in order, as lines of a head. */
function linesOf(message: Message, names = /^(x-forwarded-|x-real|x_|forwarded$|cf-)/): readonly string[] {
  return message.headers.filter(([name]) => names.test(name)).map(([name, value]) => `${name}: ${value}`);
}

/** Sends one request with these lines from that address: returns the status, and the client as the backend sees it. */
async function ask(clientIP: Settings, lines: readonly string[], from = PROXY) {
  const upstream = await openUpstream();
  const proxy = await openProxy([...toUpstream(upstream.port), policy(clientIP)]);
  const client = await openClient(proxy.port, true, from);
  const answer = await client.ask(get('/', lines.map((line) => `${line}\r\n`).join('')));
  return { answer, status: status(answer), told: upstream.requests.flatMap((message) => linesOf(message)) };
}

/** The chain of addresses that the backend gets, the client first. */
async function chainOf(clientIP: Settings, lines: readonly string[], from = PROXY): Promise<string> {
  const { told } = await ask(clientIP, lines, from);
  return told.find((line) => line.startsWith('x-forwarded-for: '))?.slice('x-forwarded-for: '.length) ?? '';
}

const SPOOFED = [
  'X-Forwarded-For: 6.6.6.6',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: evil.test',
  'X-Forwarded-Port: 666',
  'X-Forwarded-Prefix: /admin',
  'X-Forwarded-Client-Cert: By=x',
  'X_Forwarded_For: 6.6.6.6',
  'X-Forwarded_For: 6.6.6.6',
  'X_Real-IP: 6.6.6.6',
  'X-Real-IP: 6.6.6.6',
  'Forwarded: for="6.6.6.6";proto=https;host="evil.test"',
  'Forwarded: for=_hidden, for=unknown, for="[2001:db8::6]:6"',
  'CF-Connecting-IP: 6.6.6.6',
  'CF_Connecting_IP: 6.6.6.6',
];

describe('a peer that is not trusted', () => {
  const DIRECT = (from: string): readonly string[] => [`x-forwarded-for: ${from}`, 'x-forwarded-proto: http', 'x-forwarded-host: a'];

  test.each([
    ['X-Forwarded-For', { trustedCIDRs: RANGES, header: 'CF-Connecting-IP' }],
    ['Forwarded', { trustedCIDRs: RANGES, header: 'Forwarded' }],
    ['a header of its own', { trustedCIDRs: RANGES, header: 'cf-connecting-ip' }],
    ['anything, with failClosed', { trustedCIDRs: RANGES, failClosed: true }],
    ['anything, with hops counted', { trustedCIDRs: RANGES, trustedHops: 5 }],
  ])('is not believed in %s, and its headers do not reach the backend', async (_, settings) => {
    const spoofed = 'header' in settings && settings.header !== 'Forwarded' ? SPOOFED : SPOOFED.slice(0, -2);
    const { status: code, told } = await ask(settings, spoofed, STRANGER);
    expect([code, told]).toEqual([200, DIRECT(STRANGER)]);
  });

  test.each([
    ['no setting exists', {}],
    ['no hop is trusted', { trustedHops: 0, trustedCIDRs: RANGES, header: 'Forwarded' }],
    ['the list of ranges is empty', { trustedCIDRs: [] }],
    ['only failClosed is set', { failClosed: true }],
  ])('is every peer if %s', async (_, settings) => {
    expect((await ask(settings, SPOOFED.slice(0, -2))).told).toEqual(DIRECT(PROXY));
  });

  test('cannot select a route by its headers', async () => {
    const inside = await openUpstream();
    const outside = await openUpstream();
    const byHeader: ir.Match = {
      ...pathMatch('PathPrefix', '/'),
      headers: [{ type: 'Exact', name: 'x-forwarded-for', value: '10.0.0.1' }],
    };
    const proxy = await openProxy([
      ...[listener(), ...cluster('app', [outside.port]), ...cluster('inside', [inside.port]), route()],
      route({ name: 'inside', matches: [byHeader], backends: [backend('inside')] }),
    ]);
    const client = await openClient(proxy.port);
    await client.ask(get('/', 'X-Forwarded-For: 10.0.0.1\r\n'));
    expect([inside.requests.length, outside.requests.length]).toEqual([0, 1]);
  });

  test('cannot send these headers as trailers either', async () => {
    const upstream = await openUpstream();
    const proxy = await openProxy(toUpstream(upstream.port));
    const client = await openClient(proxy.port);
    const trailers = 'Forwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\nX-Sum: 1\r\n';
    await client.ask(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${trailers}\r\n`);
    expect((await upstream.request()).raw.split('\r\n\r\n')[1]).toBe('0\r\nx-sum: 1');
  });
});

describe('the chain of X-Forwarded-For', () => {
  const BY_RANGE = { trustedCIDRs: RANGES };
  const MANY = Array.from({ length: 40 }, (_, i) => `10.0.0.${i}`);

  test.each<readonly [what: string, settings: Settings, lines: readonly string[], chain: string]>([
    ['ends at the first that is not trusted', BY_RANGE, ['6.6.6.6, 203.0.113.7, 10.1.1.1'], '203.0.113.7, 10.1.1.1'],
    ['goes over several lines', BY_RANGE, ['6.6.6.6', '203.0.113.7, 10.1.1.1', '10.2.2.2'], '203.0.113.7, 10.1.1.1, 10.2.2.2'],
    ['is that of the peer without one', BY_RANGE, [], ''],
    ['begins at its first where all are trusted', BY_RANGE, ['10.3.3.3, 10.1.1.1'], '10.3.3.3, 10.1.1.1'],
    ['has addresses without ports', BY_RANGE, ['203.0.113.7:4711, 10.1.1.1:80'], '203.0.113.7, 10.1.1.1'],
    ['has addresses in one spelling', BY_RANGE, ['2001:DB8:0:0::7, fd00:0::1'], '2001:db8::7, fd00::1'],
    ['takes brackets and ports of IPv6', BY_RANGE, ['[2001:db8::7]:4711, [fd00::1]'], '2001:db8::7, fd00::1'],
    ['knows mapped addresses', BY_RANGE, ['::ffff:203.0.113.7, ::ffff:10.1.1.1, ::FFFF:a01:101'], '203.0.113.7, 10.1.1.1, 10.1.1.1'],
    ['stops at garbage', BY_RANGE, ['203.0.113.7, garbage, 10.1.1.1'], '10.1.1.1'],
    ['stops at an empty element', BY_RANGE, ['203.0.113.7, , 10.1.1.1'], '10.1.1.1'],
    ['stops at an empty end', BY_RANGE, ['203.0.113.7,'], ''],
    ['stops at an empty line', BY_RANGE, ['203.0.113.7', ''], ''],
    ['stops at unknown', BY_RANGE, ['203.0.113.7, unknown, 10.1.1.1'], '10.1.1.1'],
    ['stops at an address with a zone', BY_RANGE, ['fe80::1%eth0, 10.1.1.1'], '10.1.1.1'],
    ['stops at an address that some read otherwise', BY_RANGE, ['010.0.0.1, 10.1.1.1'], '10.1.1.1'],
    ['stops at a port that is none', BY_RANGE, ['203.0.113.7:x, 10.1.1.1'], '10.1.1.1'],
    ['stops at a bracket that is open', BY_RANGE, ['[2001:db8::7, 10.1.1.1'], '10.1.1.1'],
    ['stops at IPv4 in brackets', BY_RANGE, ['[203.0.113.7], 10.1.1.1'], '10.1.1.1'],
    ['takes blanks and tabs', BY_RANGE, ['\t203.0.113.7 \t,\t10.1.1.1 '], '203.0.113.7, 10.1.1.1'],
    ['stops after 32', BY_RANGE, [MANY.join(', ')], MANY.slice(-32).join(', ')],
    ['is cut at the hops that are counted', { trustedHops: 1 }, ['6.6.6.6, 203.0.113.7'], '203.0.113.7'],
    ['is cut at two hops', { trustedHops: 2 }, ['6.6.6.6, 203.0.113.7, 10.1.1.1'], '203.0.113.7, 10.1.1.1'],
    ['has less than the hops that are counted', { trustedHops: 5 }, ['203.0.113.7, 10.1.1.1'], '203.0.113.7, 10.1.1.1'],
    ['ends at hops or ranges, whichever is first', { ...BY_RANGE, trustedHops: 1 }, ['10.3.3.3, 10.1.1.1'], '10.1.1.1'],
    ['ends at ranges or hops', { ...BY_RANGE, trustedHops: 3 }, ['6.6.6.6, 203.0.113.7, 10.1.1.1'], '203.0.113.7, 10.1.1.1'],
  ])('%s', async (_, settings, lines, chain) => {
    const expected = chain === '' ? PROXY : `${chain}, ${PROXY}`;
    expect(
      await chainOf(
        settings,
        lines.map((line) => `X-Forwarded-For: ${line}`),
      ),
    ).toBe(expected);
  });

  test('takes bounded time for the longest possible header', async () => {
    const long = Array.from({ length: 3_000 }, () => '10.0.0.1').join(',');
    const { status: code } = await ask(BY_RANGE, [`X-Forwarded-For: ${long}`]);
    expect(code).toBe(200);
  });
});

describe('failClosed', () => {
  test.each<readonly [what: string, settings: Settings, lines: readonly string[], code: number]>([
    ['garbage of a trusted proxy', { trustedCIDRs: RANGES }, ['X-Forwarded-For: x'], 403],
    ['garbage beyond those that are trusted', { trustedCIDRs: RANGES }, ['X-Forwarded-For: x, 203.0.113.7'], 200],
    ['no list', { trustedCIDRs: RANGES }, [], 403],
    ['a list of proxies only', { trustedCIDRs: RANGES }, ['X-Forwarded-For: 10.1.1.1'], 200],
    ['less hops than are counted', { trustedHops: 2 }, ['X-Forwarded-For: 203.0.113.7'], 403],
    ['as many', { trustedHops: 2 }, ['X-Forwarded-For: 203.0.113.7, 10.1.1.1'], 200],
    ['33 proxies', { trustedCIDRs: RANGES }, [`X-Forwarded-For: ${'10.1.1.1,'.repeat(32)}10.1.1.1`], 403],
    ['an obfuscated client', { trustedHops: 1, header: 'Forwarded' }, ['Forwarded: for=_hidden'], 403],
    ['a client that is unknown', { trustedHops: 1, header: 'Forwarded' }, ['Forwarded: for=unknown'], 403],
    ['X-Forwarded-For in place of Forwarded', { trustedHops: 1, header: 'Forwarded' }, ['X-Forwarded-For: 203.0.113.7'], 403],
    ['Forwarded in place of X-Forwarded-For', { trustedHops: 1 }, ['Forwarded: for=203.0.113.7'], 403],
    ['no header', { header: 'CF-Connecting-IP' }, ['X-Forwarded-For: 203.0.113.7'], 403],
    ['the header twice', { header: 'CF-Connecting-IP' }, ['CF-Connecting-IP: 203.0.113.7', 'CF-Connecting-IP: 203.0.113.7'], 403],
    ['a list in the header', { header: 'CF-Connecting-IP' }, ['CF-Connecting-IP: 203.0.113.7, 203.0.113.8'], 403],
    ['the header', { header: 'CF-Connecting-IP' }, ['CF-Connecting-IP: 203.0.113.7'], 200],
  ])('%s', async (_, settings, lines, code) => {
    const { answer, status: answered, told } = await ask({ ...settings, failClosed: true }, lines);
    expect(answered).toBe(code);
    if (code === 200) return;
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'client_unknown', status: 403 });
    expect(told).toEqual([]);
  });
});

describe('a custom header', () => {
  test('has the address, and is passed to the backend', async () => {
    const lines = ['X-Forwarded-For: 6.6.6.6', 'CF-Connecting-IP: 2001:DB8::7', 'CF_Connecting_IP: 6.6.6.6'];
    expect((await ask({ header: 'Cf-Connecting-Ip' }, lines)).told).toEqual([
      'cf-connecting-ip: 2001:DB8::7',
      `x-forwarded-for: 2001:db8::7, ${PROXY}`,
      'x-forwarded-proto: http',
      'x-forwarded-host: a',
      `x-forwarded-port: ${LISTENER_PORT}`,
    ]);
  });

  test.each([[['CF-Connecting-IP: x']], [['CF-Connecting-IP: 203.0.113.7', 'CF-Connecting-IP: 203.0.113.8']]])(
    'that cannot be read is removed: %j',
    async (lines) => {
      const { told } = await ask({ header: 'CF-Connecting-IP', trustedCIDRs: RANGES }, lines);
      expect(told.slice(0, 1)).toEqual([`x-forwarded-for: ${PROXY}`]);
    },
  );
});

describe('Forwarded', () => {
  const SETTINGS = { trustedCIDRs: RANGES, header: 'Forwarded' };

  test.each<readonly [what: string, lines: readonly string[], chain: string, elements: string]>([
    ['a list', ['for=203.0.113.7;proto=https, for=10.1.1.1'], '203.0.113.7, 10.1.1.1', 'for=203.0.113.7;proto=https, for=10.1.1.1'],
    ['several lines', ['for=6.6.6.6', 'for=203.0.113.7', 'for=10.1.1.1'], '203.0.113.7, 10.1.1.1', 'for=203.0.113.7, for=10.1.1.1'],
    ['names in any case', ['FOR=203.0.113.7;By=10.9.9.9'], '203.0.113.7', 'FOR=203.0.113.7;By=10.9.9.9'],
    ['quoted addresses', ['for="203.0.113.7:4711"'], '203.0.113.7', 'for="203.0.113.7:4711"'],
    ['IPv6 with a port', ['for="[2001:db8::7]:4711"'], '2001:db8::7', 'for="[2001:db8::7]:4711"'],
    ['a port that is hidden', ['for="203.0.113.7:_p"'], '203.0.113.7', 'for="203.0.113.7:_p"'],
    ['escapes', ['for="203.0.\\113.7"'], '203.0.113.7', 'for="203.0.\\113.7"'],
    [
      'commas and semicolons in quotes',
      ['for=203.0.113.7;secret="a, for=6.6.6.6; \\" for=6"'],
      '203.0.113.7',
      'for=203.0.113.7;secret="a, for=6.6.6.6; \\" for=6"',
    ],
    ['empty elements', ['for=203.0.113.7, , for=10.1.1.1,'], '203.0.113.7, 10.1.1.1', 'for=203.0.113.7, for=10.1.1.1'],
    ['empty pairs and blanks', ['for=203.0.113.7; ;proto=http ;'], '203.0.113.7', 'for=203.0.113.7; ;proto=http ;'],
    ['a quote that the client left open', ['for=", for=203.0.113.7'], '203.0.113.7', 'for=203.0.113.7'],
    ['an escape that the client left open', ['for="\\, for="203.0.113.7"'], '203.0.113.7', 'for="203.0.113.7"'],
    ['a name in two lines of a client', ['for="6.6.6.6', 'for=203.0.113.7'], '203.0.113.7', 'for=203.0.113.7'],
    ['a client that is unknown', ['for=unknown, for=10.1.1.1'], '10.1.1.1', 'for=10.1.1.1'],
    ['a client that hides', ['for=_x.y-z, for=10.1.1.1'], '10.1.1.1', 'for=10.1.1.1'],
    ['an element without for', ['for=203.0.113.7, proto=https, for=10.1.1.1'], '10.1.1.1', 'for=10.1.1.1'],
    ['for twice', ['for=203.0.113.7;for=6.6.6.6, for=10.1.1.1'], '10.1.1.1', 'for=10.1.1.1'],
    ['a blank around =', ['for = 203.0.113.7, for=10.1.1.1'], '10.1.1.1', 'for=10.1.1.1'],
    ['garbage behind a quote', ['for="203.0.113.7"x, for=10.1.1.1'], '10.1.1.1', 'for=10.1.1.1'],
    [
      'more pairs than any proxy writes',
      [`for=203.0.113.7${Array.from({ length: 16 }, (_, i) => `;a${i}=b`).join('')}, for=10.1.1.1`],
      '10.1.1.1',
      'for=10.1.1.1',
    ],
    ['no Forwarded', [], '', ''],
  ])('%s', async (_, lines, chain, elements) => {
    const { told } = await ask(SETTINGS, ['X-Forwarded-For: 6.6.6.6', ...lines.map((line) => `Forwarded: ${line}`)]);
    expect(told[0]).toBe(`x-forwarded-for: ${chain === '' ? '' : `${chain}, `}${PROXY}`);
    expect(told.at(-1)).toBe(`forwarded: ${elements === '' ? '' : `${elements}, `}for=${PROXY};host="a";proto=http`);
  });

  test('decides scheme and host of the client, not X-Forwarded-*', async () => {
    const lines = [
      'Forwarded: for=203.0.113.7;proto=https;host="shop.test:8443", for=10.1.1.1;proto=http;host=inner',
      ...SPOOFED.slice(0, 4),
    ];
    const { told } = await ask(SETTINGS, lines);
    expect(told.slice(1, 4)).toEqual(['x-forwarded-proto: https', 'x-forwarded-host: shop.test:8443', 'x-forwarded-port: 8443']);
  });

  test('is removed if the proxies write X-Forwarded-For', async () => {
    const { told } = await ask({ trustedCIDRs: RANGES }, ['Forwarded: for=6.6.6.6', 'X-Forwarded-For: 203.0.113.7']);
    expect(told.filter((line) => line.includes('6.6.6.6') || line.startsWith('forwarded'))).toEqual([]);
  });
});

describe('scheme, host and port from a trusted proxy', () => {
  const told = async (...lines: readonly string[]) =>
    (await ask({ trustedHops: 1 }, ['X-Forwarded-For: 203.0.113.7', ...lines])).told.slice(1);

  test.each<readonly [lines: readonly string[], proto: string, host: string, port: string]>([
    [[], 'http', 'a', `${LISTENER_PORT}`],
    [['X-Forwarded-Proto: https'], 'https', 'a', '443'],
    [['X-Forwarded-Proto: HTTPS'], 'https', 'a', '443'],
    [['X-Forwarded-Proto: wss'], 'https', 'a', '443'],
    [['X-Forwarded-Proto: ftp'], 'http', 'a', `${LISTENER_PORT}`],
    [['X-Forwarded-Proto: https, http'], 'http', 'a', '80'],
    [['X-Forwarded-Proto: http', 'X-Forwarded-Proto: https'], 'https', 'a', '443'],
    [['X-Forwarded-Proto: https', 'X-Forwarded-Port: 8443'], 'https', 'a', '8443'],
    [['X-Forwarded-Proto: https', 'X-Forwarded-Port: 0'], 'https', 'a', '443'],
    [['X-Forwarded-Proto: https', 'X-Forwarded-Port: 65536'], 'https', 'a', '443'],
    [['X-Forwarded-Proto: https', 'X-Forwarded-Port: 44x'], 'https', 'a', '443'],
    [['X-Forwarded-Proto: https', 'X-Forwarded-Host: Shop.test:8443'], 'https', 'Shop.test:8443', '8443'],
    [['X-Forwarded-Host: b.test, shop.test'], 'http', 'shop.test', `${LISTENER_PORT}`],
    [['X-Forwarded-Host: /evil'], 'http', 'a', `${LISTENER_PORT}`],
    [['X-Forwarded-Host: user@evil'], 'http', 'a', `${LISTENER_PORT}`],
    [['X-Forwarded-Host:'], 'http', 'a', `${LISTENER_PORT}`],
    [['X-Forwarded-Host: [2001:db8::1]:81'], 'http', '[2001:db8::1]:81', '81'],
  ])('%j', async (lines, proto, host, port) => {
    expect(await told(...lines)).toEqual([`x-forwarded-proto: ${proto}`, `x-forwarded-host: ${host}`, `x-forwarded-port: ${port}`]);
  });

  test('is all of X-Forwarded-*, and X-Real-IP is the client that all else goes by', async () => {
    const lines = ['X-Forwarded-Prefix: /shop', 'X-Forwarded-Client-Cert: By=x', 'X_Forwarded_Proto: https', 'X-Real-IP: 6.6.6.6'];
    const { told: all } = await ask({ trustedHops: 1 }, ['X-Forwarded-For: 203.0.113.7', ...lines]);
    expect(all.filter((line) => !/-(for|proto|host|port):/.test(line))).toEqual([
      'x-forwarded-prefix: /shop',
      'x-forwarded-client-cert: By=x',
      'x-real-ip: 203.0.113.7',
    ]);
  });
});

describe('a redirect', () => {
  const redirect = (fields: Partial<ir.RequestRedirect> = {}): ir.Filter => ({
    type: 'RequestRedirect',
    ...{ scheme: null, hostname: null, path: null, port: null, statusCode: 302 },
    ...fields,
  });

  async function location(filter: ir.Filter, lines: readonly string[], from = PROXY): Promise<string> {
    const proxy = await openProxy([listener(), route({ filters: [filter], backends: [] }), policy({ trustedCIDRs: RANGES })]);
    const client = await openClient(proxy.port, true, from);
    return header(await client.ask(get('/x', lines.map((line) => `${line}\r\n`).join(''))), 'location') ?? '';
  }

  test.each<readonly [what: string, filter: ir.Filter, lines: readonly string[], url: string]>([
    ['keeps the scheme that the client sees', redirect(), ['X-Forwarded-Proto: https'], 'https://a/x'],
    ['keeps the port that the client sees', redirect(), ['X-Forwarded-Proto: https', 'X-Forwarded-Port: 8443'], 'https://a:8443/x'],
    ['keeps the host that the client sees', redirect(), ['X-Forwarded-Host: shop.test:8080'], 'http://shop.test:8080/x'],
    ['has the scheme of the filter, and its port', redirect({ scheme: 'https' }), ['X-Forwarded-Port: 8080'], 'https://a/x'],
    ['has the host of the filter', redirect({ hostname: 'b' }), ['X-Forwarded-Host: shop.test'], 'http://b/x'],
    ['has the port of the filter', redirect({ port: 81 }), ['X-Forwarded-Proto: https'], 'https://a:81/x'],
  ])('%s', async (_, filter, lines, url) => expect(await location(filter, lines)).toBe(url));

  test('follow the connection for an untrusted peer', async () => {
    const lines = ['X-Forwarded-Proto: https', 'X-Forwarded-Host: evil.test', 'X-Forwarded-Port: 8443'];
    expect(await location(redirect(), lines, STRANGER)).toBe('http://a/x');
  });
});

describe('HTTP/2', () => {
  async function askH2(clientIP: Settings, headers: Readonly<Record<string, string | string[]>>) {
    const upstream = await openUpstream();
    const proxy = await openProxy([...toUpstream(upstream.port), policy(clientIP)]);
    const answer = await requestH2(openSession(proxy.port), headers);
    return { status: answer.status, told: upstream.requests.flatMap((message) => linesOf(message)) };
  }

  test('a trusted proxy is believed for each request of its connection', async () => {
    const upstream = await openUpstream();
    const proxy = await openProxy([...toUpstream(upstream.port), policy({ trustedCIDRs: ['127.0.0.1/32'] })]);
    const session = openSession(proxy.port);
    const addresses = ['203.0.113.1', '2001:db8::2', '203.0.113.3'];
    await Promise.all(addresses.map((address) => requestH2(session, { 'x-forwarded-for': address, 'x-forwarded-proto': 'https' })));
    const chains = upstream.requests.map((message) => [header(message, 'x-forwarded-for'), header(message, 'x-forwarded-proto')]);
    expect(chains.sort()).toEqual(addresses.map((address) => [`${address}, 127.0.0.1`, 'https']).sort());
  });

  test('an untrusted peer is not believed', async () => {
    const spoofed = { 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'https', forwarded: 'for=6.6.6.6', x_real_ip: '6.6.6.6' };
    expect((await askH2({ trustedCIDRs: RANGES }, spoofed)).told).toEqual([
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-proto: http',
      'x-forwarded-host: a',
    ]);
  });

  test('a call with an unknown client is denied', async () => {
    const upstream = await openUpstream();
    const proxy = await openProxy([...toUpstream(upstream.port), policy({ trustedHops: 1, failClosed: true })]);
    const call = { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
    const answer = await requestH2(openSession(proxy.port), call);
    expect([answer.status, answer.headers['grpc-status']]).toEqual([200, '7']);
    expect(upstream.requests).toEqual([]);
  });
});

describe('behind the PROXY protocol', () => {
  test('the peer is the address of the header', async () => {
    const upstream = await openUpstream();
    const settings = { trustedCIDRs: ['198.51.100.0/24'] };
    const proxy = await openProxy([...toUpstream(upstream.port), policy(settings, {}, { proxyProtocol: { mode: 'Required' } })]);
    for (const peer of ['198.51.100.9', '192.0.2.9']) {
      const client = await openClient(proxy.port);
      client.write(`PROXY TCP4 ${peer} 127.0.0.1 1234 80\r\n`);
      await client.ask(get('/', 'X-Forwarded-For: 203.0.113.7\r\n'));
    }
    expect(upstream.requests.map((message) => header(message, 'x-forwarded-for'))).toEqual(['203.0.113.7, 198.51.100.9', '192.0.2.9']);
  });

  test('each client has separate connections to backends, for any connection of its requests', async () => {
    const upstream = await openUpstream({
      connected: ({ socket }) => socket.once('data', () => undefined),
      data: ({ socket }, chunk) => void (chunk.includes('\r\n\r\n') && socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')),
    });
    const speak: ir.Policy = {
      ...policy({}),
      ...{ key: 'BackendTrafficPolicy/default/p', policyKind: 'BackendTrafficPolicy', settings: { proxyProtocol: 'V1' } },
    };
    const proxy = await openProxy([...toUpstream(upstream.port), policy({ trustedCIDRs: RANGES }), speak]);
    const [first, second] = [await openClient(proxy.port, true, PROXY), await openClient(proxy.port, true, PROXY)];
    const told = async (client: typeof first, address: string) => status(await client.ask(get('/', `X-Forwarded-For: ${address}\r\n`)));
    for (const client of [first, second]) for (const address of ['203.0.113.1', '203.0.113.2', '203.0.113.1']) await told(client, address);
    await first.ask(get());
    const headers = upstream.connections.map(({ received }) => received.split('\r\n', 1)[0]);
    expect(headers).toEqual([
      `PROXY TCP4 203.0.113.1 127.0.0.1 0 ${LISTENER_PORT}`,
      `PROXY TCP4 203.0.113.2 127.0.0.1 0 ${LISTENER_PORT}`,
      `PROXY TCP4 ${PROXY} 127.0.0.1 ${first.socket.localPort} ${LISTENER_PORT}`,
    ]);
    const carried = upstream.connections.map(({ received }) => received.match(/x-forwarded-for: [^,\r]*/g)?.map((line) => line.slice(17)));
    expect(carried.slice(0, 2)).toEqual([Array(4).fill('203.0.113.1'), Array(2).fill('203.0.113.2')]);
  });
});

describe('listeners', () => {
  const two = (upstream: RawUpstream): ir.Resource[] => [
    listener({ key: 'default/gateway/one', hostname: 'one.test' }),
    listener({ key: 'default/gateway/two', hostname: 'two.test' }),
    ...cluster('app', [upstream.port]),
    route({ attachments: ['one', 'two'].map((name) => ({ listener: `default/gateway/${name}`, hostnames: [`${name}.test`] })) }),
  ];
  const from = (host: string): string => `GET / HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n`;
  const clientsAt = (upstream: RawUpstream) => upstream.requests.map((message) => header(message, 'x-forwarded-for')?.split(',')[0]);

  test('of one port each follow their own policy, on one connection', async () => {
    const upstream = await openUpstream();
    const proxy = await openProxy([...two(upstream), policy({ trustedHops: 1 }, { section: 'one' })]);
    const client = await openClient(proxy.port, true, PROXY);
    for (const host of ['one.test', 'two.test', 'one.test']) await client.ask(from(host));
    expect(clientsAt(upstream)).toEqual(['203.0.113.7', PROXY, '203.0.113.7']);
  });

  test('win over their Gateway, field by field', async () => {
    const upstream = await openUpstream();
    const proxy = await openProxy([...two(upstream), policy({ trustedCIDRs: RANGES }), policy({ trustedHops: 0 }, { section: 'two' })]);
    const client = await openClient(proxy.port, true, PROXY);
    for (const host of ['one.test', 'two.test']) await client.ask(from(host));
    expect(clientsAt(upstream)).toEqual(['203.0.113.7', PROXY]);
  });

  test('of several Gateways with the same host and different policies trust no peer', async () => {
    const upstream = await openUpstream();
    const shared = listener({ key: 'default/other/http', gateway: 'default/other' });
    const proxy = await openProxy([...toUpstream(upstream.port), shared, policy({ trustedHops: 1 })]);
    const client = await openClient(proxy.port, true, PROXY);
    await client.ask(from('a'));
    expect(clientsAt(upstream)).toEqual([PROXY]);
  });

  test('go by a policy that changes from the next request on', async () => {
    const upstream = await openUpstream();
    const proxy = await openProxy([...two(upstream), policy({ trustedCIDRs: RANGES })]);
    const client = await openClient(proxy.port, true, PROXY);
    await client.ask(from('one.test'));
    await proxy.worker.apply([policy({ trustedCIDRs: ['192.0.2.0/24'] })], []);
    await client.ask(from('one.test'));
    await proxy.worker.apply([policy({ trustedHops: 1 })], []);
    await client.ask(from('one.test'));
    await proxy.worker.apply([], [{ kind: 'Policy', key: policy({}).key }]);
    await client.ask(from('one.test'));
    expect(clientsAt(upstream)).toEqual(['203.0.113.7', PROXY, '203.0.113.7', PROXY]);
  });
});

test('the access log has client and peer, if a trusted proxy names a client', async () => {
  const upstream = await openUpstream();
  const file = path.join(os.tmpdir(), `weir-client-ip-${process.pid}.log`);
  const settings = policy({ trustedCIDRs: RANGES, failClosed: true });
  const proxy = await startProxy([...toUpstream(upstream.port), settings], {}, file);
  closeLater(() => proxy.close());
  const trusted = await openClient(proxy.port, true, PROXY);
  await trusted.ask(get('/', 'X-Forwarded-For: 2001:DB8::7\r\n'));
  await trusted.ask(get('/', 'X-Forwarded-For: x\r\n'));
  await (await openClient(proxy.port, true, STRANGER)).ask(get('/', 'X-Forwarded-For: 6.6.6.6\r\n'));
  const lines = () =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .filter((line) => line !== '');
  await until(() => lines().length === 3, 'three lines');
  const shown = lines().map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(shown.map(({ remoteAddress, clientAddress, error }) => [remoteAddress, clientAddress, error])).toEqual([
    [PROXY, '2001:db8::7', undefined],
    [PROXY, undefined, 'client_unknown'],
    [STRANGER, undefined, undefined],
  ]);
});
