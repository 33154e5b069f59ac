// The gRPC example, unchanged except for its ports: from the user's files to bytes.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Child, runWeir } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { EchoClient, EchoServer, method, status } from './echo.ts';

const EXAMPLE = path.resolve(import.meta.dirname, '..', '..', 'examples', 'grpc');
const HELLO = method('helloworld.Greeter/SayHello', 'Unary');
const GOODBYE = method('helloworld.Greeter/SayGoodbye', 'Unary');
const HEALTH = method('grpc.health.v1.Health/Check', 'Unary');

let folder = '';
let servers: readonly EchoServer[] = [];
let client: EchoClient;
let weir: Child;

beforeAll(async () => {
  servers = await Promise.all(['v1', 'v2'].map((name) => EchoServer.start(name, [HELLO, GOODBYE, HEALTH])));
  const [port = 0] = await freePorts(1);
  const ports = new Map([port, ...servers.map((server) => server.port)].map((number, i) => [['8080', '9001', '9002'][i], String(number)]));
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-grpc-'));
  for (const file of readdirSync(EXAMPLE)) {
    const text = readFileSync(path.join(EXAMPLE, file), 'utf8').replace(/\b(8080|9001|9002)\b/g, (known) => ports.get(known) as string);
    writeFileSync(path.join(folder, file), text);
  }
  weir = new Child(['up', folder, '--admin-port', 'off', '--probe-port', 'off', '--drain-delay', '0s', '--drain-timeout', '1s']);
  await weir.printed(/serving/);
  client = new EchoClient(port);
});

afterAll(async () => {
  client?.close();
  await weir?.stop();
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The name of the backend that answers a call. */
async function answered(by: ReturnType<typeof method>, metadata: Record<string, string> = {}): Promise<string> {
  const { code, messages } = await client.call(by, [Buffer.from(' heard')], { metadata });
  return code === status.OK ? messages.join() : `status ${code}`;
}

describe('the gRPC example', () => {
  test('is valid, and explain names the backend of a call', async () => {
    expect(await runWeir(['validate', EXAMPLE])).toMatchObject({ code: 0, stdout: '6 objects, 0 errors, 0 warnings\n' });
    const url = 'http://127.0.0.1:8080/helloworld.Greeter/SayHello';
    const one = await runWeir(['explain', url, '-X', 'POST', '--config', EXAMPLE]);
    expect(one.stdout).toContain('winner    GRPCRoute default/greeter, rule 1 "greeter", match 0\n');
    const two = await runWeir(['explain', url, '-X', 'POST', '-H', 'version: 2', '--config', EXAMPLE]);
    expect(two.stdout).toContain('winner    GRPCRoute default/greeter, rule 0 "by-version", match 0\n');
  });

  test('routes by service, by method and by metadata', async () => {
    expect(await answered(HELLO)).toBe('v1 heard');
    expect(await answered(HELLO, { version: '2' })).toBe('v2 heard');
    expect(await answered(GOODBYE)).toBe('v2 heard');
    expect(await answered(HEALTH)).toBe('v1 heard');
    expect((await client.call(GOODBYE, [])).head.get('x-served-by')).toEqual(['v2']);
  });

  test('any other call is unimplemented', async () => {
    expect(await client.call(method('other.Service/Call', 'Unary'), [])).toMatchObject({
      code: status.UNIMPLEMENTED,
      details: 'No route matches the request',
    });
  });
});
