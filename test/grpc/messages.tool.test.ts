// Rules for messages, with grpc-go as the backend: from the user's HTTPPolicy to what client, backend and log get.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseFilter } from '#api/access-log/filter.ts';
import { manifest, SecurityRig } from '../security/rig.ts';
import { describeWith } from '../support/describe-with.ts';
import { closeAfterEach, closeLater } from '../support/fixture.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { describeFiles, PROTOBUF_PEER } from '../protobuf/protobuf-peer.ts';
import type { Manifest } from '../support/objects.ts';
import { until } from '../support/until.ts';
import { GRPC_PEER, PeerServer } from './peer.ts';
import { callShop, type Called, type Method, type Order } from './shop.ts';

closeAfterEach();

const TARGET = { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }] };
const HTTP2 = manifest('BackendTrafficPolicy', 'http2', { ...TARGET, protocol: 'HTTP2' });
const REFLECTION = { group: 'gateway.weir.dev', kind: 'Backend', name: 'app' };
const CARD = { number: '4111', holder: 'Alice', digits: 4 };

describeWith(['go'], 'rules for messages', () => {
  let server: PeerServer;

  beforeAll(async () => {
    buildGoTool(GRPC_PEER);
    server = await PeerServer.start('v1');
  }, 180_000);
  afterAll(() => server.stop());

  function start(settings: object): Promise<SecurityRig> {
    const policy = manifest('HTTPPolicy', 'messages', { ...TARGET, grpcMessages: { reflection: REFLECTION, ...settings } });
    return SecurityRig.start([HTTP2, policy, manifest('Backend', 'app', { endpoints: [{ ip: '127.0.0.1', port: server.port }] })]);
  }

  /** The outcome of a call under a policy. */
  async function under(settings: object, orders: readonly Order[], method: Method = 'Create', compressed = false): Promise<Called> {
    const rig = await start(settings);
    const called = await callShop(rig.proxy.port, method, orders, compressed);
    await rig.proxy.quiet();
    return called;
  }

  test('change requests: set with expressions, remove and mask, also in lists and maps', async () => {
    const requests = [
      {
        methods: ['shop.Orders/Create'],
        set: [
          { field: 'labels.host', value: 'request.host' },
          { field: 'card.digits', value: 'size(body.items) + 2' },
          { field: 'items', value: '[{"sku": "only", "price": 1.5}]' },
        ],
        remove: ['note', 'labels.secret'],
        mask: ['card.number', 'items.sku'],
      },
    ];
    const order: Order = { id: 'a', items: [{ sku: 'x' }, { sku: 'y' }], labels: { secret: 's', kept: 'k' }, note: 'n' };
    expect(await under({ requests }, [order])).toMatchObject({
      error: '',
      orders: [{ id: 'a', card: { digits: 4 }, items: [{ sku: '***', price: 1.5 }], labels: { host: 'shop.example', kept: 'k' } }],
    });
  });

  test('mask answers, whatever their compression', async () => {
    const answers = [{ mask: ['card.number', 'token', 'cents', 'labels'] }];
    const order: Order = { id: 'a', card: CARD, token: Buffer.from('t'), cents: '7', labels: { a: 'b' } };
    const called = await under({ answers }, [order], 'Create', true);
    expect(called).toMatchObject({
      error: '',
      orders: [{ card: { number: '***', holder: 'Alice' }, token: Buffer.from('***'), labels: { a: '***' } }],
    });
    expect(called.orders[0]).not.toHaveProperty('cents');
  });

  test('see every message of a stream, both ways', async () => {
    const settings = {
      requests: [{ when: 'body.id == "b"', set: [{ field: 'id', value: '"changed"' }] }],
      answers: [{ set: [{ field: 'note', value: '"seen " + body.id' }] }],
    };
    const { orders, error } = await under(settings, [{ id: 'a' }, { id: 'b' }, { id: 'c' }], 'Chat');
    expect([orders.map(({ note }) => note), error]).toEqual([['seen a', 'seen changed', 'seen c'], '']);
    expect((await under(settings, [{ id: 'x', cents: '3' }], 'List')).orders.map(({ note }) => note)).toEqual(Array(3).fill('seen x'));
    expect((await under(settings, [{ id: 'a' }, { id: 'b' }], 'Upload')).orders).toMatchObject([{ note: 'seen achanged' }]);
  });

  test.each([
    [{ when: 'body.cents > 100' }, [{ cents: '101' }], 'Create', '7: A rule of the route refuses the message of the call'],
    [{ when: 'body.cents > 100' }, [{ cents: '100' }], 'Create', ''],
    [
      { when: 'body.status == "PAID"', refuse: { status: 'FAILED_PRECONDITION', message: 'paid' } },
      [{ status: 'PAID' }],
      'Create',
      '9: paid',
    ],
    [{ when: 'body.id == "b"' }, [{ id: 'a' }, { id: 'b' }], 'Upload', '7: A rule of the route refuses the message of the call'],
    // The condition has no value for the message.
    [{ when: 'body.card.holder != "Alice"' }, [{ id: 'a' }], 'Create', '7: A rule of the route refuses the message of the call'],
    [{ when: '!has(body.card) || body.card.holder != "Alice"' }, [{ card: CARD }], 'Create', ''],
    [{ methods: ['shop.Orders/Upload'] }, [{ id: 'a' }], 'Create', ''],
  ] as const)('refuse requests: %j of %j by %s', async (rule, orders, method, error) => {
    expect((await under({ requests: [{ refuse: {}, ...rule }] }, orders, method)).error).toBe(error);
  });

  test('refuse answers, after those before', async () => {
    const answers = [{ when: 'body.id == "b"', refuse: { status: 'ABORTED', message: 'no b' } }];
    const { orders, error } = await under({ answers }, [{ id: 'a' }, { id: 'b' }, { id: 'c' }], 'Chat');
    expect([orders.map(({ id }) => id), error]).toEqual([['a'], '10: no b']);
  });

  test('refuse methods that the descriptors do not have, or pass them', async () => {
    const { proxy } = await start({ requests: [{ remove: ['id'] }] });
    expect((await callShop(proxy.port, 'Missing', [{ id: 'a' }])).error).toBe('12: No gRPC method has the path of the request');
    const passing = await start({ requests: [{ remove: ['id'] }], unknownMethods: 'Pass' });
    expect((await callShop(passing.proxy.port, 'Missing', [{ id: 'a' }])).error).toMatch(/^12: unknown method Missing/);
  });

  test('log fields, as they came or hidden', async () => {
    const requests = [{ log: ['id', 'card.number', 'card.holder', 'items.sku', 'note'], mask: ['card.number', 'note'] }];
    const rig = await start({ requests, answers: [{ log: ['status', 'labels'] }] });
    const lines: string[] = [];
    const tail = new AbortController();
    const part = async (data: Buffer): Promise<void> => void lines.push(data.toString());
    const all = parseFilter('');
    if (!all.ok) throw new Error(all.error);
    const tailing = rig.proxy.worker.inspect({ kind: 'tail', filter: all.value, rate: 100 }, { part, signal: tail.signal });
    const order: Order = { id: 'a', card: CARD, items: [{ sku: 'x' }, { sku: 'y' }], note: 'n', status: 'PAID', labels: { k: 'v' } };
    await callShop(rig.proxy.port, 'Create', [order]);
    await until(() => lines.join('').includes('messageFields'));
    tail.abort();
    await tailing;
    expect(JSON.parse((JSON.parse(lines.join('').trim()) as { readonly messageFields: string }).messageFields)).toEqual({
      'request.id': 'a',
      'request.card.number': '[redacted]',
      'request.card.holder': 'Alice',
      'request.items.sku': 'x,y',
      'request.note': '[redacted]',
      'response.status': 'PAID',
      'response.labels': 'k=v',
    });
  });

  test('a message larger than the limit ends the call', async () => {
    const settings = { requests: [{ remove: ['note'] }], maxMessageSize: 100 };
    expect((await under(settings, [{ id: 'x'.repeat(200) }])).error).toBe('8: The request body is too large');
    expect((await under(settings, [{ id: 'x'.repeat(200) }], 'Create', true)).error).toBe('8: The request body is too large');
  });

  test('fields that the types do not have refuse all calls, and the log names them', async () => {
    const rig = await start({ requests: [{ methods: ['shop.Orders/Creat'], mask: ['id'] }, { mask: ['card.numbr'] }] });
    expect((await callShop(rig.proxy.port, 'Create', [{ id: 'a' }])).error).toMatch(/^13: /);
  });

  test('descriptors in a ConfigMap are as good, and the status names what they do not have', async () => {
    buildGoTool(PROTOBUF_PEER);
    const set = describeFiles(import.meta.dirname, ['shop.proto']).toString('base64');
    const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'types' }, binaryData: { 'shop.bin': set } };
    const messages = (requests: readonly object[]): Manifest =>
      manifest('HTTPPolicy', 'messages', {
        ...TARGET,
        grpcMessages: { descriptors: { configMapRef: { name: 'types' }, key: 'shop.bin' }, requests },
      });
    const backend = manifest('Backend', 'app', { endpoints: [{ ip: '127.0.0.1', port: server.port }] });
    const rig = await SecurityRig.start([HTTP2, backend, config, messages([{ mask: ['card.holder'] }])]);
    expect((await callShop(rig.proxy.port, 'Create', [{ card: CARD }])).orders).toMatchObject([{ card: { holder: '***' } }]);
    expect(rig.condition('messages', 'ResolvedRefs', 'HTTPPolicy')).toMatch(/^True/);
    await rig.change([messages([{ mask: ['card.numbr'] }, { methods: ['shop.Orders/Creat'], remove: ['id'] }])]);
    expect(rig.condition('messages', 'ResolvedRefs', 'HTTPPolicy')).toBe(
      'False InvalidDocument: spec.grpcMessages.requests[0].mask[0]: card.numbr is not in the descriptors: shop.Card has no field "numbr"; did you mean number?; spec.grpcMessages.requests[1].methods[0]: is not in the descriptors; did you mean shop.Orders/Create?',
    );
    expect((await callShop(rig.proxy.port, 'Create', [{ id: 'a' }])).error).toMatch(/^13: /);
    await rig.change([{ ...config, binaryData: { 'shop.bin': Buffer.from('no set').toString('base64') } }]);
    expect(rig.condition('messages', 'ResolvedRefs', 'HTTPPolicy')).toMatch(
      /^False InvalidDocument: spec\.grpcMessages\.descriptors: entry shop\.bin of ConfigMap\/default\/types: /,
    );
  });

  test('a backend without reflection gets no calls', async () => {
    const mute = await PeerServer.start('none');
    closeLater(() => mute.stop());
    const policy = manifest('HTTPPolicy', 'messages', {
      ...TARGET,
      grpcMessages: { reflection: REFLECTION, requests: [{ remove: ['id'] }] },
    });
    const rig = await SecurityRig.start([HTTP2, policy, manifest('Backend', 'app', { endpoints: [{ ip: '127.0.0.1', port: mute.port }] })]);
    expect((await callShop(rig.proxy.port, 'Create', [{ id: 'a' }])).error).toMatch(/^13: /);
  });
});
