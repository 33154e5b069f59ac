// The controller's certificate and CA are replaced while it runs.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { PushServer } from '../../controller/push/server.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { TestCa } from '../support/certificates.ts';
import { until } from '../support/until.ts';
import { Rig, cluster } from './rig.ts';

let before: TestCa;
let after: TestCa;
beforeAll(async () => {
  before = await TestCa.create();
  after = await TestCa.create();
});
afterAll(() => Promise.all([before.remove(), after.remove()]));

let rig: Rig;
let files: IssuedFiles;
let server: PushServer;
let port: number;
beforeEach(async () => {
  rig = new Rig(before);
  const issued = await before.issue('controller', 'IP:127.0.0.1');
  files = { ...issued, ca: path.join(before.folder, 'peers.crt') };
  await copyFile(before.certificate, files.ca);
  rig.change(cluster('a'));
  ({ server, port } = await rig.serve({ tls: files }));
});
afterEach(() => rig.stop());

test('new connections use the new certificates, open streams stay', async () => {
  const old = await rig.subscribe(port);
  await old.ready;
  const next = await after.issue('controller', 'IP:127.0.0.1');
  for (const name of ['ca', 'certificate', 'privateKey'] as const) await copyFile(next[name], files[name]);
  await server.refreshCertificates();
  const tls = await after.issue('newcomer', '');
  const newcomer = await rig.subscribe(port, { tls });
  expect(await newcomer.ready).toBe('controller');
  expect(old.state()).toMatchObject({ connected: true, connects: 1 });
  expect(server.sessions().map(({ identity }) => identity)).toEqual(['spiffe://weir/proxy', 'newcomer']);
});

test.each(['a certificate without its key', 'no PEM at all'])('files with %s leave the previous certificates in use', async (what) => {
  const next = await before.issue('controller', 'IP:127.0.0.1');
  if (what === 'no PEM at all') await writeFile(files.ca, 'nonsense');
  else await copyFile(next.certificate, files.certificate);
  await server.refreshCertificates();
  const proxy = await rig.subscribe(port);
  await proxy.ready;
  await until(() => server.sessions().length === 1, 'the session');
});

test('a server does not start with files that do not fit together', async () => {
  const other = await before.issue('other', '');
  await expect(rig.serve({ tls: { ...files, privateKey: other.privateKey } })).rejects.toThrow('is not the key of');
});
