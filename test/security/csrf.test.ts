// The csrf of SecurityPolicies: requests as browsers make them for pages of other sites, and attempts to look like the own site.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { closeAfterAll } from '../support/fixture.ts';
import { header, status } from '../support/message.ts';
import { SecurityRig, securityPolicy } from './rig.ts';

closeAfterAll();

const GATEWAY = { kind: 'Gateway', name: 'gw' };
let rig: SecurityRig;

beforeAll(async () => {
  const csrf = { allowedOrigins: ['https://partner.test', 'https://*.cdn.test:8443'], exemptPaths: ['/hooks'] };
  rig = await SecurityRig.start([securityPolicy('csrf', { csrf })]);
});

async function send(headers: string, method = 'POST', path = '/'): Promise<number> {
  return status(await rig.ask(`${method} ${path} HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\n${headers}\r\n`));
}

describe('requests pass', () => {
  test.each([
    ['of the own page', 'Sec-Fetch-Site: same-origin\r\nOrigin: http://shop.test\r\n'],
    ['of the own page, with TLS that something in front ends', 'Sec-Fetch-Site: same-origin\r\nOrigin: https://shop.test\r\n'],
    ['of the own page with the default port', 'Origin: http://shop.test:80\r\n'],
    ['of the user', 'Sec-Fetch-Site: none\r\n'],
    ['of a browser without Fetch metadata', 'Origin: http://shop.test\r\n'],
    ['of a browser with a Referer only', 'Referer: http://shop.test/basket?x=1\r\n'],
    ['of an allowed origin', 'Sec-Fetch-Site: cross-site\r\nOrigin: https://partner.test\r\n'],
    ['of an allowed wildcard', 'Sec-Fetch-Site: cross-site\r\nOrigin: https://a.b.cdn.test:8443\r\n'],
  ])('%s', async (_, headers) => {
    expect(await send(headers)).toBe(200);
  });

  test('that change nothing, and those of exempt paths', async () => {
    const foreign = 'Sec-Fetch-Site: cross-site\r\nOrigin: https://evil.test\r\n';
    expect([await send(foreign, 'GET'), await send(foreign, 'OPTIONS'), await send(foreign, 'POST', '/hooks/pay')]).toEqual([
      200, 200, 200,
    ]);
  });
});

describe('requests are refused', () => {
  test.each([
    ['of another site', 'Sec-Fetch-Site: cross-site\r\nOrigin: https://evil.test\r\n'],
    ['of another host of the site', 'Sec-Fetch-Site: same-site\r\nOrigin: http://other.shop.test\r\n'],
    ['of another site that hides its origin', 'Sec-Fetch-Site: cross-site\r\n'],
    ['of a page without an origin', 'Origin: null\r\n'],
    ['of a sandboxed page of the own site', 'Sec-Fetch-Site: same-origin\r\nOrigin: null\r\n'],
    ['whose origin differs from the metadata', 'Sec-Fetch-Site: same-origin\r\nOrigin: https://evil.test\r\n'],
    ['of an own origin with foreign metadata', 'Sec-Fetch-Site: cross-site\r\nOrigin: http://shop.test\r\n'],
    ['with an unknown relation', 'Sec-Fetch-Site: Same-Origin\r\n'],
    ['with an empty relation', 'Sec-Fetch-Site:\r\n'],
    ['with two relations', 'Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n'],
    ['with two origins', 'Origin: http://shop.test\r\nOrigin: https://evil.test\r\n'],
    ['with an empty origin and an own Referer', 'Origin:\r\nReferer: http://shop.test/\r\n'],
    ['whose origin begins like the own one', 'Origin: http://shop.test.evil.test\r\n'],
    ['whose origin ends like the own one', 'Origin: http://evilshop.test\r\n'],
    ['whose origin has another port', 'Origin: http://shop.test:8080\r\n'],
    ['whose origin has the own host as user', 'Origin: http://shop.test@evil.test\r\n'],
    ['whose Referer has the own host as user', 'Referer: http://shop.test@evil.test/\r\n'],
    ['whose Referer has the own host in its path', 'Referer: http://evil.test/http://shop.test/\r\n'],
    ['whose Referer is no URL', 'Referer: shop.test\r\n'],
    ['whose foreign origin comes with an own Referer', 'Origin: https://evil.test\r\nReferer: http://shop.test/\r\n'],
    ['of an allowed host over HTTP', 'Origin: http://partner.test\r\n'],
    ['of the wildcard itself', 'Origin: https://.cdn.test:8443\r\n'],
    ['of a host that only contains the wildcard', 'Origin: https://evil.test/.cdn.test:8443\r\n'],
    ['that do not tell their page', ''],
  ])('%s', async (_, headers) => {
    expect(await send(headers)).toBe(403);
  });

  test('with the code csrf_refused, also with unknown methods and beside exempt paths', async () => {
    const answer = await rig.ask('POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 0\r\nOrigin: https://evil.test\r\n\r\n');
    expect(answer.body.toString()).toContain('"code":"csrf_refused"');
    expect(header(answer, 'content-type')).toBe('application/problem+json');
    const foreign = 'Origin: https://evil.test\r\n';
    const statuses = [];
    for (const [method, path] of [
      ['PURGE', '/'],
      ['POST', '/hooksX'],
      ['POST', '/hooks/../pay'],
      ['DELETE', '/'],
    ] as const)
      statuses.push(await send(foreign, method, path));
    expect(statuses).toEqual([403, 403, 403, 403]);
  });

  test('if they open a WebSocket', async () => {
    const upgrade =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
    const answer = await rig.ask(`GET / HTTP/1.1\r\nHost: shop.test\r\n${upgrade}Origin: https://evil.test\r\n\r\n`);
    expect(status(answer)).toBe(403);
  });
});

test('a nearer policy may pass requests of other clients than browsers, or only count', async () => {
  const own = await SecurityRig.start([
    securityPolicy('wide', { csrf: {} }, GATEWAY),
    securityPolicy('near', { csrf: { withoutOrigin: 'Pass' } }),
  ]);
  const post = (headers: string): string => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n${headers}\r\n`;
  expect([status(await own.ask(post(''))), status(await own.ask(post('Origin: http://evil.test\r\n')))]).toEqual([200, 403]);
  await own.change([securityPolicy('near', { csrf: { mode: 'DryRun' } })]);
  expect(status(await own.ask(post('Origin: http://evil.test\r\n')))).toBe(200);
  expect(await own.proxy.worker.registry.metrics()).toMatch(
    /weir_policy_refusals_total\{setting="csrf",policy="SecurityPolicy\/default\/near",rule="",outcome="dry_run"\} 1/,
  );
});
