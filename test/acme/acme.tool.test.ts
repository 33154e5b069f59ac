// `weir up` obtains certificates from a real ACME server, Pebble.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { TestCa } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { closeAfterEach, closeLater } from '../support/fixture.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { until } from '../support/until.ts';
import { AcmeWeir, SHOP, type Site } from './acme-weir.ts';
import { DnsWebhook } from './dns-webhook.ts';
import { Pebble, PEBBLE, type PebbleOptions } from './pebble.ts';

closeAfterEach();

const ISSUED = /a certificate is issued/;

async function startPebble(options: PebbleOptions = {}): Promise<Pebble> {
  const pebble = await Pebble.start(options);
  closeLater(() => pebble.stop());
  return pebble;
}

async function start(
  pebble: Pebble,
  acme: object = {},
  others: readonly object[] = [],
  sites: readonly Site[] = [SHOP],
): Promise<AcmeWeir> {
  const weir = await AcmeWeir.start(pebble, acme, others, sites);
  closeLater(() => weir.stop());
  return weir;
}

function secret(name: string, entry: string, value: string): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { [entry]: value } };
}

describeWith(['go'], 'weir up with ACME', () => {
  let ca: TestCa;
  beforeAll(async () => {
    buildGoTool(PEBBLE);
    ca = await TestCa.create();
  });
  afterAll(() => ca.remove());

  test('obtains a certificate by HTTP-01 although all requests are redirected, and keeps it', async () => {
    const pebble = await startPebble();
    const weir = await start(pebble);
    await weir.printed(ISSUED);
    const certificate = await weir.certificateFor(SHOP.host);
    expect(certificate.subjectAltName).toBe('DNS:shop.example.com');
    expect(weir.kept('weir-acme-account')['account.key']).toContain('PRIVATE KEY');
    await weir.kill();
    await weir.resume();
    expect((await weir.certificateFor(SHOP.host)).serialNumber).toBe(certificate.serialNumber);
    expect(pebble.orders).toBe(1);
  });

  test('obtains a certificate by TLS-ALPN-01 on a port without any certificate', async () => {
    const weir = await start(await startPebble(), { challenge: 'TLSALPN01' });
    expect((await weir.certificateFor(SHOP.host)).subjectAltName).toBe('DNS:shop.example.com');
  });

  test('obtains one certificate for the listeners that share a Secret', async () => {
    const sites = [SHOP, { ...SHOP, host: 'api.example.com' }];
    const weir = await start(await startPebble(), {}, [], sites);
    expect((await weir.certificateFor('api.example.com')).subjectAltName).toBe('DNS:api.example.com, DNS:shop.example.com');
  });

  test('obtains a certificate for a wildcard by DNS-01 with a webhook', async () => {
    const pebble = await startPebble();
    const webhook = await DnsWebhook.start(pebble, await ca.issue('webhook', 'IP:127.0.0.1'), 'let-me-in');
    closeLater(() => webhook.close());
    const caBundle = [pebble.authority, ca.certificate].map((file) => readFileSync(file, 'utf8')).join('');
    const acme = { challenge: 'DNS01', caBundle, webhook: { url: webhook.url, tokenSecretRef: { name: 'dns', key: 'token' } } };
    const sites = [{ host: '*.example.com', secret: 'wild' }];
    const weir = await start(pebble, acme, [secret('dns', 'token', 'let-me-in\n')], sites);
    expect((await weir.certificateFor('any.example.com')).subjectAltName).toBe('DNS:*.example.com');
    await until(() => webhook.asked.length === 2, 'the record is removed');
    expect(webhook.asked.map(({ action, domain, record }) => [action, domain, record])).toEqual([
      ['present', 'example.com', '_acme-challenge.example.com'],
      ['cleanup', 'example.com', '_acme-challenge.example.com'],
    ]);
  });

  test('binds its account to that of a customer', async () => {
    const binding = { keyId: 'customer-1', key: Buffer.from('a key of thirty-two bytes or more').toString('base64url') };
    const acme = { externalAccountBinding: { keyId: binding.keyId, secretRef: { name: 'eab', key: 'key' } } };
    const weir = await start(await startPebble({ binding }), acme, [secret('eab', 'key', binding.key)]);
    expect((await weir.certificateFor(SHOP.host)).subjectAltName).toBe('DNS:shop.example.com');
  });

  test('says why a challenge failed, and begins no other order before its time', async () => {
    const pebble = await startPebble();
    await pebble.loseName(SHOP.host);
    const weir = await start(pebble);
    await weir.printed(/no certificate was issued/);
    const { failures, problem, order } = weir.stateOf('shop-cert');
    expect([failures, order]).toEqual([1, null]);
    expect(problem).toMatch(/^shop\.example\.com was not validated: /);
    await weir.kill();
    await weir.resume();
    await weir.printed(/has no certificate yet: .*was not validated/);
    expect(pebble.orders).toBe(1);
  });

  test('waits for a server that is away', async () => {
    const pebble = await startPebble();
    await pebble.kill();
    const weir = await start(pebble);
    await weir.printed(/cannot be obtained at the moment/);
    await pebble.resume();
    expect((await weir.certificateFor(SHOP.host)).subjectAltName).toBe('DNS:shop.example.com');
  });

  test('goes on with the same order after it was killed in the middle', async () => {
    const pebble = await startPebble();
    const weir = await start(pebble);
    await until(() => keptOrder(weir) !== null, 'the order is stored');
    await weir.kill();
    await weir.resume();
    expect((await weir.certificateFor(SHOP.host)).subjectAltName).toBe('DNS:shop.example.com');
    expect(pebble.orders).toBe(1);
  });

  test('renews a certificate in time, again and again', async () => {
    const weir = await start(await startPebble({ lifetime: 12 }), { renewBefore: '8s' });
    const first = await weir.certificateFor(SHOP.host);
    const second = await weir.certificateFor(SHOP.host, ({ serialNumber }) => serialNumber !== first.serialNumber);
    expect(Date.parse(second.validFrom)).toBeLessThan(Date.parse(first.validTo));
  });

  test('renews at once when the server asks for it', async () => {
    const pebble = await startPebble();
    const weir = await start(pebble);
    const first = await weir.certificateFor(SHOP.host);
    await until(() => weir.stateOf('shop-cert').order === null, 'the order is done');
    const hour = 3_600_000;
    const [start_, end] = [Date.now() - 2 * hour, Date.now() - hour].map((at) => new Date(at).toISOString());
    await pebble.renewNow(weir.kept('shop-cert')['tls.crt'] ?? '', { start: start_ ?? '', end: end ?? '' });
    await weir.kill();
    await weir.resume();
    const second = await weir.certificateFor(SHOP.host, ({ serialNumber }) => serialNumber !== first.serialNumber);
    expect(new X509Certificate(second.raw).subjectAltName).toBe('DNS:shop.example.com');
  });

  test('obtains a certificate anew after its Secret was lost', async () => {
    const weir = await start(await startPebble());
    const first = await weir.certificateFor(SHOP.host);
    await weir.kill();
    rmSync(path.join(weir.folder, '.weir', 'acme', 'default', 'shop-cert.json'));
    await weir.resume();
    await weir.certificateFor(SHOP.host, ({ serialNumber }) => serialNumber !== first.serialNumber);
  });
});

function keptOrder(weir: AcmeWeir): unknown {
  try {
    return weir.stateOf('shop-cert').order;
  } catch {
    return null;
  }
}
