// Secrets in every place of a request and an answer are in nothing that the proxy tells: log, security log, metrics.
import { afterAll, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { LOG_FIELDS } from '#api/access-log/fields.ts';
import { closeAfterAll } from '../support/fixture.ts';
import { until } from '../support/until.ts';
import { manifest, SecurityRig } from '../security/rig.ts';
import { CARD, REDACTION, SECRET_BODY, secretRequest, SECRETS } from './secrets.ts';

closeAfterAll();

const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-redaction-'));
const [log, security] = [path.join(folder, 'access.log'), path.join(folder, 'security.log')];
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TARGET = [{ kind: 'HTTPRoute', name: 'app' }];

/** All fields, and headers by their names as far as the log takes them. */
const FIELDS = [
  ...LOG_FIELDS.map(({ name }) => name),
  ...['x-vault-token', 'x-note', 'x-employee', 'x-request-id'].map((name) => `requestHeader.${name}`),
  ...['x-vault-token', 'location', 'x-note'].map((name) => `responseHeader.${name}`),
];

function policies(): readonly ReturnType<typeof manifest>[] {
  // A line has room for some of the fields only, so that several lines have all.
  return [0, 32].map((from) =>
    manifest('TelemetryPolicy', 'all', {
      targetRefs: TARGET,
      redaction: REDACTION,
      accessLog: { enabled: true, fields: FIELDS.slice(from, from + 40), requestBody: {}, responseBody: {} },
    }),
  );
}

test('no secret is in the logs or metrics', async () => {
  const answer = manifest('HTTPPolicy', 'answer', {
    targetRefs: TARGET,
    response: {
      headers: {
        set: [
          { name: 'set-cookie', value: '"session=SECRET-11"' },
          { name: 'x-vault-token', value: '"SECRET-12"' },
          { name: 'location', value: '"https://a.example/?token=SECRET-13"' },
          { name: 'x-note', value: `"card ${CARD}"` },
        ],
      },
    },
    directResponse: { status: 200, contentType: 'application/json', body: SECRET_BODY },
  });
  const refusing = manifest('SecurityPolicy', 'refusing', { targetRefs: TARGET, ipAccess: { deny: ['127.0.0.0/8'] } });
  const rig = await SecurityRig.start([], {}, { accessLog: log, securityLog: security });
  expect(rig.condition('answer', 'Accepted', 'HTTPPolicy')).toBeUndefined();
  for (const policy of policies()) {
    await rig.change([answer, policy]);
    expect(rig.condition('all', 'Accepted', 'TelemetryPolicy')).toContain('True');
    expect(rig.condition('answer', 'Accepted', 'HTTPPolicy')).toContain('True');
    expect((await rig.ask(secretRequest('pay'))).body).toContain('SECRET-1');
  }
  await rig.change([refusing]);
  await rig.ask(secretRequest('pay'));
  await until(() => readFileSync(log, 'utf8').split('\n').length === 4, 'three lines');
  await until(() => readFileSync(security, 'utf8').includes('\n'), 'the event');
  const told = [readFileSync(log, 'utf8'), readFileSync(security, 'utf8'), await rig.proxy.worker.registry.metrics()];
  for (const text of told) for (const secret of SECRETS) expect(text).not.toContain(secret);
  // The rest is still there.
  expect(told[0]).toContain(String.raw`\"kept\":\"visible\"`);
  expect(told[0]).toContain('/pay/[redacted]/[redacted]/[redacted]');
});
