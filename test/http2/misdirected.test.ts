// Requests on a connection that was opened for another host (RFC 9113 section 9.1.1). Clients reuse connections by certificate and
// address; a request for a host that the connection does not cover must be refused (GEP-3567).
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type http2 from 'node:http2';
import type * as ir from '#api/ir/ir.ts';
import { TestCa, secretOf } from '../support/certificates.ts';
import { closeAfterEach, openProxy, openUpstream } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { cluster, listener, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';

closeAfterEach();

let ca: TestCa;
const secrets: ir.Secret[] = [];
beforeAll(async () => {
  ca = await TestCa.create();
  const certificates = { both: 'DNS:a.test,DNS:b.test', c: 'DNS:c.test', wild: 'DNS:*.wild.test' };
  for (const [name, names] of Object.entries(certificates)) {
    secrets.push(secretOf(`default/${name}`, await ca.issue(name, names)));
  }
});
afterAll(() => ca.remove());

function https(name: string, hostname: string, certificates: readonly string[]): ir.Listener {
  const keys = certificates.map((certificate) => `default/${certificate}`);
  return listener({ key: `default/gateway/${name}`, hostname, protocol: 'HTTPS', tls: { mode: 'Terminate', certificates: keys } });
}

/** Listeners for a.test, for b.test and for everything else, with one route to all hosts. */
async function open(): Promise<Proxy> {
  const upstream = await openUpstream(() => ok('served'));
  const hosts = { a: 'a.test', b: 'b.test', any: '' };
  const attachments = Object.entries(hosts).map(([name, hostname]) => ({ listener: `default/gateway/${name}`, hostnames: [hostname] }));
  return openProxy([
    ...secrets,
    https('a', 'a.test', ['both']),
    https('b', 'b.test', ['both']),
    https('any', '', ['c', 'wild']),
    ...cluster('app', [upstream.port]),
    route({ attachments }),
  ]);
}

function connect(proxy: Proxy, servername: string): http2.ClientHttp2Session {
  return openSession(proxy.port, { servername, ca: readFileSync(ca.certificate), checkServerIdentity: () => undefined }, true);
}

const NO_NAME = '';

describe('a connection of HTTP/2', () => {
  test.each([
    ['a.test', 'a.test', 200, 'its own name'],
    ['a.test', 'b.test', 421, 'a host of another listener, with the same certificate'],
    ['a.test', 'c.test', 421, 'a host of another listener, with another certificate'],
    ['c.test', 'a.test', 421, 'a host that a more specific listener owns'],
    ['c.test', 'x.wild.test', 421, 'a host of the same listener, with another certificate'],
    ['x.wild.test', 'y.wild.test', 200, 'a host of the same listener that the certificate covers'],
    ['c.test', 'unknown.test', 200, 'a host that no certificate covers'],
    [NO_NAME, 'c.test', 200, 'the listener for any host, without a name'],
    [NO_NAME, 'a.test', 421, 'a host of another listener, without a name'],
  ])('for %s: %s is answered %i (%s)', async (servername, authority, status) => {
    const session = connect(await open(), servername);
    expect((await request(session, { ':authority': authority })).status).toBe(status);
  });

  test('stays open after a misdirected request', async () => {
    const session = connect(await open(), 'a.test');
    const answers = await Promise.all(
      ['a.test', 'b.test', 'A.test:443', 'a.test'].map((authority) => request(session, { ':authority': authority })),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 421, 200, 200]);
    expect(JSON.parse(String(answers[1]?.body))).toMatchObject({ code: 'misdirected_request' });
  });

  test('does not reach another listener once its own is removed', async () => {
    const proxy = await open();
    const session = connect(proxy, 'a.test');
    expect((await request(session, { ':authority': 'a.test' })).status).toBe(200);
    await proxy.worker.apply([], [{ kind: 'Listener', key: 'default/gateway/a' }]);
    expect((await request(session, { ':authority': 'b.test' })).status).toBe(421);
    expect((await request(session, { ':authority': 'c.test' })).status).toBe(421);
    await proxy.worker.apply([], [{ kind: 'Listener', key: 'default/gateway/any' }]);
    expect((await request(session, { ':authority': 'b.test' })).status).toBe(421);
  });
});
