// Secrets in every place of a request and an answer are in nothing that the proxy tells: log, security log, metrics.
import { afterAll, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { LOG_FIELDS } from '#api/access-log/fields.ts';
import { closeAfterAll } from '../support/fixture.ts';
import { until } from '../support/until.ts';
import { manifest, SecurityRig } from '../security/rig.ts';

closeAfterAll();

const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-redaction-'));
const [log, security] = [path.join(folder, 'access.log'), path.join(folder, 'security.log')];
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TARGET = [{ kind: 'HTTPRoute', name: 'app' }];
const JWT = `eyJhbGciOiJIUzI1NiJ9.${Buffer.from('{"sub":"SECRET"}').toString('base64url')}.U0VDUkVUSECRET`;
const CARD = '4111111111111111';

/** What must not be found: each place has its own. */
const SECRETS = [
  'SECRET',
  JWT.split('.')[1] as string,
  CARD,
  '4111-1111-1111-1111',
  'alice.secret@mail.example',
  'alice.secret%40mail.example',
  Buffer.from('user:SECRET').toString('base64'),
  'emp-4711',
];

const body = JSON.stringify({
  password: 'SECRET-1',
  nested: { api_key: ['SECRET-2', { a: 'SECRET-3' }], note: `mail alice.secret@mail.example, card 4111-1111-1111-1111` },
  jwt: JWT,
  own: 'emp-4711',
  place: { inner: 'SECRET-4' },
  kept: 'visible',
});

const head = [
  `POST /pay/${CARD}/alice.secret@mail.example/${JWT}?access_token=SECRET-5&code=SECRET-6&to=alice.secret%40mail.example&card=${CARD} HTTP/1.1`,
  'host: a',
  'authorization: Bearer SECRET-7',
  'proxy-authorization: Basic ' + Buffer.from('user:SECRET').toString('base64'),
  'cookie: session=SECRET-8',
  'x-api-key: SECRET-9',
  'x-vault-token: SECRET-10',
  `x-note: Bearer ${JWT}`,
  'x-employee: emp-4711',
  `x-request-id: ${CARD}`,
  `referer: https://user:SECRET@a.example/?token=SECRET`,
  `x-forwarded-for: alice.secret@mail.example`,
  `user-agent: Basic ${Buffer.from('user:SECRET').toString('base64')}`,
  'content-type: application/json',
  `content-length: ${body.length}`,
  '',
  '',
].join('\r\n');

/** All fields, and headers by their names as far as the log takes them. */
const FIELDS = [
  ...LOG_FIELDS.map(({ name }) => name),
  ...['x-vault-token', 'x-note', 'x-employee', 'x-request-id'].map((name) => `requestHeader.${name}`),
  ...['x-vault-token', 'location', 'x-note'].map((name) => `responseHeader.${name}`),
];

function policies(): readonly ReturnType<typeof manifest>[] {
  const redaction = { patterns: ['emp-[0-9]+'], jsonPointers: ['/place/inner'] };
  // A line has room for some of the fields only, so that several lines have all.
  return [0, 32].map((from) =>
    manifest('TelemetryPolicy', 'all', {
      targetRefs: TARGET,
      redaction,
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
    directResponse: { status: 200, contentType: 'application/json', body },
  });
  const refusing = manifest('SecurityPolicy', 'refusing', { targetRefs: TARGET, ipAccess: { deny: ['127.0.0.0/8'] } });
  const rig = await SecurityRig.start([], {}, { accessLog: log, securityLog: security });
  expect(rig.condition('answer', 'Accepted', 'HTTPPolicy')).toBeUndefined();
  for (const policy of policies()) {
    await rig.change([answer, policy]);
    expect(rig.condition('all', 'Accepted', 'TelemetryPolicy')).toContain('True');
    expect(rig.condition('answer', 'Accepted', 'HTTPPolicy')).toContain('True');
    expect((await rig.ask(head + body)).body).toContain('SECRET-1');
  }
  await rig.change([refusing]);
  await rig.ask(head + body);
  await until(() => readFileSync(log, 'utf8').split('\n').length === 4, 'three lines');
  await until(() => readFileSync(security, 'utf8').includes('\n'), 'the event');
  const told = [readFileSync(log, 'utf8'), readFileSync(security, 'utf8'), await rig.proxy.worker.registry.metrics()];
  for (const text of told) for (const secret of SECRETS) expect(text).not.toContain(secret);
  // The rest is still there.
  expect(told[0]).toContain(String.raw`\"kept\":\"visible\"`);
  expect(told[0]).toContain('/pay/[redacted]/[redacted]/[redacted]');
});
