// Hostile clients and pages at a hub of topics.
import { describe, expect, test } from '@jest/globals';
import { describeError } from '#api/k8s/field-error.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { manifest } from '../security/rig.ts';
import { closeAfterEach } from '../support/fixture.ts';
import { header, status } from '../support/message.ts';
import { ALL, HUB_ROUTE, HubClient, hubPolicy, posted, startHub } from './hub-clients.ts';

closeAfterEach();

describe('a hub under attack', () => {
  test.each<[string, Buffer, number]>([
    ['a frame without a mask', Buffer.from([0x81, 1, 0x61]), 1_002],
    ['a compressed frame', Buffer.from([0xc1, 0x80, 0, 0, 0, 0]), 1_002],
    ['a binary message', Buffer.from([0x82, 0x80, 0, 0, 0, 0]), 1_003],
    ['text that is not UTF-8', Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff]), 1_007],
    ['a message beyond the limit', Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0]), 1_009],
  ])('closes the WebSocket after %s', async (_, bytes, code) => {
    const rig = await startHub();
    const client = await HubClient.open(rig);
    (client.socket as unknown as { _socket: NodeJS.WritableStream })._socket.write(bytes);
    expect(await client.closed()).toBe(code);
  });

  test.each([
    ['Origin: https://evil.example', 403],
    ['Origin: null', 403],
    ['Origin: http://a\r\nOrigin: https://evil.example', 403],
    ['Origin: https://app.example.com', 101],
    ['Origin: http://a', 101],
    ['X-None: 1', 101],
  ])('answers a WebSocket of %j with %i', async (origin, expected) => {
    const rig = await startHub({ allowedOrigins: ['https://*.example.com'] });
    const key = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13';
    const got = await rig.ask(`GET /live HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${key}\r\n${origin}\r\n\r\n`);
    expect(status(got)).toBe(expected);
  });

  test.each([
    ['Sec-WebSocket-Version: 13', 'no key'],
    ['Sec-WebSocket-Key: short==\r\nSec-WebSocket-Version: 13', 'a bad key'],
    ['Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 8', 'an old version'],
    ['Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat', 'another protocol'],
  ])('refuses a handshake with %j: %s', async (headers) => {
    const rig = await startHub();
    const got = await rig.ask(`GET /live HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${headers}\r\n\r\n`);
    expect([status(got), (JSON.parse(got.body) as { code: string }).code]).toEqual([400, 'hub_request_malformed']);
  });

  test('publishes nothing without a rule for it, and nothing of foreign pages', async () => {
    const none = await startHub({});
    const denied = await none.ask(posted('a', '1'));
    const open = await startHub();
    const foreign = await open.ask(posted('a', '1', 'content-type: text/plain\r\norigin: https://evil.example'));
    expect([status(denied), status(foreign)]).toEqual([403, 403]);
  });

  test('decides by the caller and the topic', async () => {
    const rig = await startHub({ publish: 'request.headers["x-user"] == topic', subscribe: 'topic == "news"' });
    const answers = [
      await rig.ask(posted('ann', '1', 'x-user: ann')),
      await rig.ask(posted('bob', '1', 'x-user: ann')),
      await rig.ask(posted('bob', '1')),
      await rig.ask('GET /live/secret HTTP/1.1\r\nHost: a\r\n\r\n'),
    ];
    expect(answers.map(status)).toEqual([200, 403, 403, 403]);
  });

  test.each([
    ['GET /live HTTP/1.1', 400],
    ['GET /live/a%20b HTTP/1.1', 400],
    ['GET /live?topic=a%0ab HTTP/1.1', 400],
    ['POST /live?topic=a&topic=b HTTP/1.1\r\nContent-Length: 0', 400],
    ['POST /live/a HTTP/1.1\r\nContent-Length: 1\r\nContent-Type: application/json\r\n\r\n{', 400],
    ['POST /live/a HTTP/1.1\r\nContent-Length: 1\r\nContent-Type: image/png\r\n\r\n1', 400],
    ['POST /live/a HTTP/1.1\r\nContent-Length: 70000\r\nContent-Type: text/plain', 413],
    ['DELETE /live/a HTTP/1.1', 405],
  ])('answers %j with %i', async (request, expected) => {
    const rig = await startHub();
    const [head = '', body = ''] = request.split('\r\n\r\n');
    expect(status(await rig.ask(`${head}\r\nHost: a\r\n\r\n${body}`))).toBe(expected);
  });

  test('opens no more connections than it may', async () => {
    const rig = await startHub({ maxConnections: 1 });
    await HubClient.open(rig);
    const got = await rig.ask('GET /live/a HTTP/1.1\r\nHost: a\r\n\r\n');
    expect([status(got), (JSON.parse(got.body) as { code: string }).code]).toEqual([503, 'overloaded']);
  });
});

describe('the settings of a hub', () => {
  test.each([
    [{ subscribe: 'topics == "a"' }, /spec.hub.subscribe: is not valid/],
    [{ publish: 'topic' }, /spec.hub.publish: must be true or false/],
    [{ allowedOrigins: ['example.com'] }, /spec.hub.allowedOrigins\[0\]: must be an origin/],
    [{ name: 'A b' }, /spec.hub.name: must be lower-case/],
  ])('%j are refused', (settings, message) => {
    const result = validateObject(hubPolicy(settings), { strict: true });
    expect(result.ok ? [] : result.error.map(describeError)).toEqual([expect.stringMatching(message)]);
  });

  test('of a nearer policy replace it', async () => {
    const rig = await startHub(ALL, [
      manifest('HTTPPolicy', 'off', { targetRefs: [{ ...HUB_ROUTE, sectionName: 'all' }], hub: { mode: 'Disabled' } }),
    ]);
    expect(header(await rig.ask('GET /live/a HTTP/1.1\r\nHost: a\r\n\r\n'), 'x-frame-options')).toBe('BACKEND');
  });
});
