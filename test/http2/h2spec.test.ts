// Conformance to RFC 9113 and RFC 7541, as h2spec sees it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { TestCa } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { closeAfterEach, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { cluster, listener, route, toUpstream } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import { buildH2spec, runH2spec } from './h2spec.ts';

closeAfterEach();

describeWith(['go'], 'h2spec', () => {
  let ca: TestCa;
  beforeAll(async () => {
    buildH2spec();
    ca = await TestCa.create();
  }, 120_000);
  afterAll(() => ca.remove());

  test('passes over TLS, every case', async () => {
    const { certificate, privateKey } = await ca.issue('test', 'IP:127.0.0.1');
    const [chain, key] = [readFileSync(certificate, 'utf8'), readFileSync(privateKey, 'utf8')];
    const upstream = await openUpstream(ok('hello'));
    const proxy = await openProxy([
      { kind: 'Secret', key: 'default/cert', certificate: chain, privateKey: key },
      listener({ protocol: 'HTTPS', tls: { mode: 'Terminate', certificates: ['default/cert'] } }),
      ...[...cluster('app', [upstream.port]), route()],
    ]);
    expect(await runH2spec(proxy.port, true)).toEqual({ passed: 146, failed: [] });
    await proxy.quiet();
  });

  test('passes on cleartext, but for a preface that the port takes for a request of HTTP/1.1 and refuses as one', async () => {
    const upstream = await openUpstream(ok('hello'));
    const proxy = await openProxy(toUpstream(upstream.port));
    const { passed, failed } = await runH2spec(proxy.port, false);
    expect([passed, failed]).toEqual([145, ['http2/3.5: Sends invalid connection preface']]);
    await proxy.quiet();
    const client = await openClient(proxy.port);
    expect((await client.ask('INVALID CONNECTION PREFACE\r\n\r\n')).startLine).toBe('HTTP/1.1 400 Bad Request');
    await client.over();
  });
});
