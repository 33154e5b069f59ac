// Conformance to RFC 9113 and RFC 7541, as h2spec sees it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TestCa, secretOf } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { closeAfterEach, openProxy, openUpstream } from '../support/fixture.ts';
import { cluster, listener, route, toUpstream } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { H2SPEC, runH2spec } from './h2spec.ts';

closeAfterEach();

const EVERY_CASE = { passed: 146, failed: [] };
const DEFAULT_CASES = { passed: 145, failed: [] };

describeWith(['go'], 'h2spec', () => {
  let ca: TestCa;
  beforeAll(async () => {
    buildGoTool(H2SPEC);
    ca = await TestCa.create();
  }, 120_000);
  afterAll(() => ca.remove());

  test('passes over TLS, in strict and in default mode', async () => {
    const secret = secretOf('default/cert', await ca.issue('test', 'IP:127.0.0.1'));
    const upstream = await openUpstream(ok('hello'));
    const proxy = await openProxy([
      secret,
      listener({ protocol: 'HTTPS', tls: { mode: 'Terminate', certificates: ['default/cert'] } }),
      ...[...cluster('app', [upstream.port]), route()],
    ]);
    expect(await runH2spec(proxy.port, true, true)).toEqual(EVERY_CASE);
    expect(await runH2spec(proxy.port, true, false)).toEqual(DEFAULT_CASES);
    await proxy.quiet();
  });

  test('passes on cleartext, in strict and in default mode', async () => {
    const upstream = await openUpstream(ok('hello'));
    const proxy = await openProxy(toUpstream(upstream.port));
    expect(await runH2spec(proxy.port, false, true)).toEqual(EVERY_CASE);
    expect(await runH2spec(proxy.port, false, false)).toEqual(DEFAULT_CASES);
    await proxy.quiet();
  });
});
