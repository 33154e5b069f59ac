// Rotation of a certificate in a folder of YAML: `weir up` with HTTPS clients, its log, metrics and dump, and `weir explain`.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Backend } from '../support/backend.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { Child, runWeir } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { askFor, gatewayOf, listenerFor, objectsAround, secretWith } from '../support/pairs.ts';

const backend = new Backend('app');
let ca: TestCa;
let [one, next, expired]: IssuedFiles[] = [];
let [port, probes, admin]: number[] = [];
let folder = '';
let weir: Child;

beforeAll(async () => {
  ca = await TestCa.create();
  one = await ca.issue('one', 'DNS:one.app.test');
  next = await ca.issue('next', 'DNS:one.app.test');
  expired = await ca.issueAs('expired', { names: 'DNS:one.app.test', hours: [-48, -1] });
  await backend.start();
  [port = 0, probes = 0, admin = 0] = await freePorts(3);
  folder = mkdtempSync(path.join(tmpdir(), 'weir-folder-'));
  save('gateway', ...objectsAround(backend.port), gatewayOf([{ ...listenerFor('one', 'one.app.test', 'one'), port }]));
  save('secret', secretWith('one', one));
  await start();
});
afterAll(async () => {
  await weir?.stop();
  await backend.stop();
  rmSync(folder, { recursive: true, force: true });
  await ca.remove();
});

function save(name: string, ...items: readonly object[]): void {
  writeFileSync(path.join(folder, `${name}.json`), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

async function start(): Promise<void> {
  weir = new Child(['up', folder, '--probe-port', String(probes), '--admin-port', String(admin), '--drain-delay', '0']);
  await weir.printed(/serving; stop with/);
}

/** Saves a Secret and waits for its log message. */
async function rotate(secret: object, said: RegExp): Promise<void> {
  const from = weir.output.length;
  save('secret', secret);
  await weir.printed(said, from);
}

/** The answer of the listener, and the values of metrics and dump. */
async function told(): Promise<readonly unknown[]> {
  const metrics = await (await fetch(`http://127.0.0.1:${probes}/metrics`)).text();
  const dump = (await (await fetch(`http://127.0.0.1:${admin}/config`)).json()) as {
    secrets: { problem: string | null; expires: string }[];
  };
  const value = (name: string) => Number(new RegExp(`^${name}(?:\\{.*\\})? (.*)$`, 'm').exec(metrics)?.[1]);
  const [secret] = dump.secrets;
  const expiry = value('weir_certificate_expiry_timestamp_seconds');
  expect(JSON.stringify(dump)).not.toContain('PRIVATE');
  if (secret?.expires !== null) expect(Date.parse(secret?.expires ?? '')).toBe(expiry * 1_000);
  return [await askFor(port ?? 0, 'one.app.test'), value('weir_secret_problems'), secret?.problem?.replace(/ [^ ]*$/, '') ?? null];
}

const explained = async () => (await runWeir(['explain', `https://one.app.test:${port}/`, '--proxy', `127.0.0.1:${admin}`])).stdout;
const mismatch = () => secretWith('one', { certificate: next?.certificate, privateKey: one?.privateKey });
const MISMATCH =
  'holds a certificate (CN=next) and a key that do not belong together; put the key that the certificate was issued for into tls.key';

test('an unusable pair leaves the previous one in use, until a usable one arrives', async () => {
  expect(await told()).toEqual(['200 one', 0, null]);
  await rotate(mismatch(), /InvalidCertificateRef.*the previous pair stays in use and is valid until/);
  expect(await told()).toEqual(['200 one', 1, `${MISMATCH}; the previous pair stays in use and is valid until`]);
  expect(await explained()).not.toContain('cannot be served');
  await rotate(secretWith('one', next), /solved: /);
  expect(await told()).toEqual(['200 next', 0, null]);
});

test('after a restart the pair is unknown, and the name is refused', async () => {
  await rotate(mismatch(), /the previous pair stays in use/);
  await weir.stop();
  await start();
  expect(weir.output).toContain(`listener default/edge/one is not served: Secret/default/one ${MISMATCH}`);
  expect((await told())[0]).toBe('ECONNREFUSED');
  expect(await explained()).toContain(
    `listener default/edge/one cannot be served (Secret/default/one ${MISMATCH}): no listener answers for it`,
  );
  const inFolder = await runWeir(['explain', `https://one.app.test:${port}/`, '--config', folder]);
  expect(inFolder.stdout).toContain(`cannot be served (Secret/default/one ${MISMATCH})`);
});

test('a first certificate that has expired is served with a warning', async () => {
  await rotate(secretWith('one', expired), /"object":"Secret\/default\/one",.*"reason":"holds a certificate that expired at /);
  expect(await told()).toEqual(['200 expired', 1, 'holds a certificate that expired at']);
  const { stdout, code } = await runWeir(['validate', folder]);
  expect(stdout).toMatch(/secret\.json:\d+: warning: Secret\/default\/one stringData\[tls\.crt\]: holds a certificate that expired at 20/);
  expect(code).toBe(0);
});
