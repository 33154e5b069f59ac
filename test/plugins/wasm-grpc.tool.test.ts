// Calls of a WebAssembly module to a gRPC service of its policy, with grpc-go as the service and a module byte by byte.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { GRPC_PEER, PeerServer } from '../grpc/peer.ts';
import { describeWith } from '../support/describe-with.ts';
import { closeAfterEach, get } from '../support/fixture.ts';
import { freePorts } from '../support/free-port.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { status, type Message } from '../support/message.ts';
import { ABI, I32, op, wasmModule } from '../support/wasm-module.ts';
import { manifest, SecurityRig } from '../security/rig.ts';

closeAfterEach();

/** An order with the id `a`, and one that List sends twice. */
const ORDER = '\n\u0001a';
const TWICE = '(\u0002';

/** Places in the memory of the module. */
const [STREAM, ADDRESS, SIZE, CALL] = [16, 20, 24, 28];
const PAUSE = 1;
const GRPC_MESSAGE = 5;
const IMPORTS: readonly (readonly [name: string, count: number])[] = [
  ['proxy_grpc_call', 12],
  ['proxy_set_effective_context', 1],
  ['proxy_get_buffer_bytes', 5],
  ['proxy_send_local_response', 8],
  ['proxy_get_status', 3],
];

const numbers = (...values: readonly number[]): number[] => values.flatMap((value) => op.number(value));
const host = (name: string): number[] => op.call(IMPORTS.findIndex(([each]) => each === name));
const load = (address: number): number[] => [...op.number(address), 0x28, 0x02, 0x00];
const effective = [...load(STREAM), ...host('proxy_set_effective_context'), ...op.drop];

function reply(code: readonly number[]): number[] {
  const body = [...load(ADDRESS), ...load(SIZE)];
  return [...code, ...numbers(0, 0), ...body, ...numbers(0, 0, -1), ...host('proxy_send_local_response'), ...op.drop];
}

/** Answers each request with the message of a call, with 500 and the status of a call that failed, or with 400 if there is no call. */
function caller(backend: string, method: string, message: string): Buffer {
  const texts = [backend, 'shop.Orders', method, '', message].map((text, i) => ({ at: 100 + 32 * i, text }));
  const params = (count: number): number[] => Array(count).fill(I32) as number[];
  const begin = [...numbers(...texts.flatMap(({ at, text }) => [at, text.length]), 2_000, CALL), ...host('proxy_grpc_call')];
  const keepStream = [...op.number(STREAM), ...op.local(0), 0x36, 0x02, 0x00];
  const ifRefused = [0x04, 0x40, ...reply(op.number(400)), ...op.end];
  const take = [...numbers(GRPC_MESSAGE, 0), ...op.local(2), ...numbers(ADDRESS, SIZE), ...host('proxy_get_buffer_bytes'), ...op.drop];
  const why = [...numbers(CALL, ADDRESS, SIZE), ...host('proxy_get_status'), ...op.drop];
  const failed = [...op.local(2), ...op.number(500), 0x6a];
  return wasmModule({
    imports: IMPORTS.map(([name, count]) => ['env', name, params(count)]),
    functions: [
      ...ABI,
      {
        ...{ name: 'proxy_on_request_headers', params: params(3), results: [I32] },
        code: [...keepStream, ...begin, ...ifRefused, ...op.number(PAUSE)],
      },
      { name: 'proxy_on_grpc_receive', params: params(3), code: [...effective, ...take, ...reply(op.number(200))] },
      // After an answer this one has no effect.
      { name: 'proxy_on_grpc_close', params: params(3), code: [...effective, ...why, ...reply(failed)] },
    ],
    data: texts.filter(({ text }) => text !== ''),
  });
}

describeWith(['go'], 'a call of a module', () => {
  let server: PeerServer;
  beforeAll(async () => {
    buildGoTool(GRPC_PEER);
    server = await PeerServer.start('none');
  }, 180_000);
  afterAll(() => server.stop());

  async function answerOf(module: Buffer, port = server.port): Promise<Message> {
    const code = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'code' },
      binaryData: { 'call.wasm': module.toString('base64') },
    };
    const wasm = {
      module: { configMapRef: { name: 'code' }, key: 'call.wasm' },
      backends: [{ name: 'shop', backendRef: { group: 'gateway.weir.dev', kind: 'Backend', name: 'shop' } }],
    };
    const rig = await SecurityRig.start([
      ...[code, manifest('Backend', 'shop', { endpoints: [{ ip: '127.0.0.1', port }] })],
      manifest('ExtensionPolicy', 'own', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], wasm }),
    ]);
    return rig.ask(get('/'));
  }

  test.each<[string, string, string, string, [number, string]]>([
    ['gets the message of the service', 'shop', 'Create', ORDER, [200, ORDER]],
    ['gets the status and the text of a failure', 'shop', 'Missing', ORDER, [512, 'unknown method Missing for service shop.Orders']],
    ['has one message each way', 'shop', 'List', TWICE, [513, 'the answer has no message']],
    ['reaches the backends of the policy only', 'others', 'Create', ORDER, [400, '']],
  ])('%s', async (_, backend, method, message, expected) => {
    const answer = await answerOf(caller(backend, method, message));
    expect([status(answer), answer.body]).toEqual(expected);
  });

  test('to a service that is away is unavailable', async () => {
    const [port = 0] = await freePorts(1);
    const answer = await answerOf(caller('shop', 'Create', ORDER), port);
    expect([status(answer), answer.body]).toEqual([514, 'the backend does not answer']);
  });
});
