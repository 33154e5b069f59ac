// `weir up` with ClientTrafficPolicies from files: their effect on clients, and changes without a restart.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Child, runWeir } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { header, status } from '../support/message.ts';
import type { Message } from '../support/message.ts';
import { RawClient } from '../support/raw-client.ts';
import { ok, RawUpstream } from '../support/raw-upstream.ts';
import { until } from '../support/until.ts';

let upstream: RawUpstream;
let folder = '';
let ports: readonly number[] = [];
let weir: Child;

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = (octets: number): string => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${octets}\r\n\r\n${'x'.repeat(octets)}`;

function objects(): string {
  return [
    'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }',
    [
      'apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: { name: edge }\nspec:\n  gatewayClassName: weir\n  listeners:',
      `    - { name: narrow, port: ${ports[0]}, protocol: HTTP }`,
      `    - { name: wide, port: ${ports[1]}, protocol: HTTP }`,
    ].join('\n'),
    'apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: all }\nspec: { parentRefs: [{ name: edge }], rules: [{ backendRefs: [{ group: gateway.weir.dev, kind: Backend, name: all }] }] }',
    `apiVersion: gateway.weir.dev/v1alpha1\nkind: Backend\nmetadata: { name: all }\nspec: { endpoints: [{ ip: 127.0.0.1, port: ${upstream.port} }] }`,
  ].join('\n---\n');
}

function policy(name: string, section: string, settings: string): string {
  const target = section === '' ? '' : `, sectionName: ${section}`;
  return `apiVersion: gateway.weir.dev/v1alpha1\nkind: ClientTrafficPolicy\nmetadata: { name: ${name} }\nspec:\n  targetRefs: [{ kind: Gateway, name: edge${target} }]\n${settings}`;
}

function write(file: string, ...documents: string[]): void {
  writeFileSync(path.join(folder, file), documents.join('\n---\n'));
}

const clients: RawClient[] = [];

async function connect(index: number): Promise<RawClient> {
  const client = await RawClient.connect(ports[index] as number);
  clients.push(client);
  return client;
}

/** Sends requests on new connections until the status is as expected. */
async function untilAnswered(bytes: string, wanted: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (status(await (await connect(0)).ask(bytes)) !== wanted) {
    if (performance.now() > deadline) throw new Error(`the answer was never ${wanted}`);
  }
}

beforeAll(async () => {
  upstream = await RawUpstream.start(ok());
  ports = await freePorts(2);
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-policy-'));
  write('all.yaml', objects());
  write(
    'policies.yaml',
    policy(
      'edge',
      '',
      '  limits: { requestBody: 10, requestsPerConnection: 2, headers: 5 }\n  timeouts: { requestHead: 50ms, requestBodyIdle: 600ms }\n  clientIP: { trustedCIDRs: [127.0.0.0/8, fd00::/8] }',
    ),
    policy(
      'wide',
      'wide',
      '  limits: { requestBody: 1Ki, targetBytes: 256 }\n  http2: { maxConcurrentStreams: 7 }\n  rates: { requestBody: 0 }\n  clientIP: { trustedHops: 0 }',
    ),
  );
  weir = new Child(['up', folder, '--admin-port', '0']);
  await weir.printed(/serving/);
});

afterAll(async () => {
  for (const client of clients) client.destroy();
  await weir?.stop();
  await upstream?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a ClientTrafficPolicy', () => {
  test('of a Gateway applies to its listeners', async () => {
    const client = await connect(0);
    expect(status(await client.ask(POST(10)))).toBe(200);
    expect(header(await client.ask(GET), 'connection')).toBe('close');
    expect(status(await (await connect(0)).ask(POST(11)))).toBe(413);
    expect(status(await (await connect(0)).ask(`GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(6)}\r\n`))).toBe(431);
    expect(status(await (await connect(0)).ask('GET / HTTP/1.1\r\n'))).toBe(408);
  });

  test('of a listener wins, field by field, and leaves the rest to that of the Gateway', async () => {
    const client = await connect(1);
    expect(status(await client.ask(POST(1024)))).toBe(200);
    expect(header(await client.ask(GET), 'connection')).toBe('close');
    expect(status(await (await connect(1)).ask(POST(1025)))).toBe(413);
    expect(status(await (await connect(1)).ask(`GET /${'a'.repeat(256)} HTTP/1.1\r\nHost: a\r\n\r\n`))).toBe(414);
    expect(status(await (await connect(0)).ask(`GET /${'a'.repeat(256)} HTTP/1.1\r\nHost: a\r\n\r\n`))).toBe(200);
  });

  test('sets the minimum rate of a client', async () => {
    const [held, free] = [await connect(0), await connect(1)];
    for (const client of [held, free]) client.write(POST(10).slice(0, -10));
    const timer = setInterval(() => [held, free].map((client) => client.socket.writable && client.write('x')), 150);
    try {
      expect([status(await held.answer()), status(await free.answer())]).toEqual([408, 200]);
    } finally {
      clearInterval(timer);
    }
  });

  test('names the proxies that are believed, listener by listener', async () => {
    const chains: unknown[] = [];
    for (const index of [0, 1]) {
      upstream.forget();
      await (await connect(index)).ask('GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.7\r\nConnection: close\r\n\r\n');
      chains.push(header(upstream.requests.at(-1) as Message, 'x-forwarded-for'));
    }
    expect(chains).toEqual(['203.0.113.7, 127.0.0.1', '127.0.0.1']);
  });

  test('is sent to HTTP/2 clients in SETTINGS', async () => {
    const client = await connect(1);
    client.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0');
    // Identifier 3 (SETTINGS_MAX_CONCURRENT_STREAMS) and its value, RFC 9113 section 6.5.2.
    await until(() => client.received.includes('\0\x03\0\0\0\x07'), 'SETTINGS');
    client.destroy();
  });

  test('is named by weir explain, with its value, for a folder and for a running proxy', async () => {
    const explain = (...args: string[]) => runWeir(['explain', `http://a:${ports[1]}/`, ...args]);
    const { stdout } = await explain('--config', folder);
    expect(stdout).toContain('  limits.requestBody 1Ki: ClientTrafficPolicy/default/wide, Gateway/default/edge listener wide\n');
    expect(stdout).toContain('  clientIP.trustedHops 0: ClientTrafficPolicy/default/wide, Gateway/default/edge listener wide\n');
    expect(stdout).toContain(
      '  clientIP.trustedCIDRs ["127.0.0.0/8","fd00::/8"]: ClientTrafficPolicy/default/edge, Gateway/default/edge\n',
    );
    expect(stdout).toContain('  timeouts.requestHead 50ms: ClientTrafficPolicy/default/edge, Gateway/default/edge\n');
    const [, admin = ''] = await weir.printed(/admin on (http:\S+)\/config/);
    const { settings } = JSON.parse((await explain('--proxy', admin, '--format', 'json')).stdout) as { settings: { origins: object[] }[] };
    expect(settings[0]?.origins).toContainEqual({
      ...{ field: 'limits.requestBody', value: 1024, policy: 'ClientTrafficPolicy/default/wide' },
      target: 'Gateway/default/edge listener wide',
    });
  });

  test('decides the client address of weir explain, as it does for requests', async () => {
    const explain = (port: number, ...args: string[]) => runWeir(['explain', `http://a:${port}/`, '--config', folder, ...args]);
    const header = ['-H', 'X-Forwarded-For: 203.0.113.7'];
    const [narrow = 0, wide = 0] = ports;
    expect((await explain(narrow, ...header)).stdout).toContain('client    203.0.113.7, from the headers of trusted proxies\n');
    for (const args of [await explain(wide, ...header), await explain(narrow, ...header, '--from', '192.0.2.1')])
      expect(args.stdout).not.toContain('client ');
    const { code, stderr } = await explain(narrow, '--from', 'here');
    expect([code, stderr]).toEqual([2, expect.stringContaining('--from: "here" is not an address')]);
  });

  test('that changes applies to later connections, a deleted one leaves the defaults, and the file is valid', async () => {
    const kept = await connect(0);
    write('policies.yaml', policy('edge', '', '  limits: { requestBody: 20 }'));
    await untilAnswered(POST(20), 200);
    expect(status(await kept.ask(POST(20)))).toBe(413);
    expect(await runWeir(['validate', folder])).toMatchObject({ code: 0, stdout: '6 objects, 0 errors, 0 warnings\n' });
    write('policies.yaml');
    await untilAnswered(POST(21), 200);
  });
});

describe('weir validate', () => {
  test('reports a policy without a target, a conflicting one, and invalid settings', async () => {
    write(
      'policies.yaml',
      policy('first', '', '  timeouts: { idle: 1s }'),
      policy('second', '', '  timeouts: { idle: 2s }'),
      policy('third', 'none', '  timeouts: { idle: 3s }'),
      policy(
        'fourth',
        '',
        '  timeouts: { idel: soon, write: soon }\n  http2: { streamWindow: 1Ki }\n  limits: { headers: 0 }\n  clientIP: { trustedHops: 33 }',
      ),
    );
    const { code, stdout } = await runWeir(['validate', folder]);
    expect(code).toBe(1);
    expect(stdout).toContain('Conflicted: Gateway/default/edge is already the target of ClientTrafficPolicy/default/first');
    expect(stdout).toContain('TargetNotFound: Gateway/default/edge has no listener none');
    expect(stdout).toContain('spec.timeouts.idel: is not a known field; did you mean idle?');
    expect(stdout).toContain('spec.timeouts.write: must be a duration like 10s, 1h30m or 100ms');
    expect(stdout).toContain('spec.limits.headers: must be at least 1');
    expect(stdout).toContain('spec.clientIP.trustedHops: must be at most 32');
  });

  test('reports invalid trusted proxies of a policy', async () => {
    write(
      'policies.yaml',
      policy('range', '', '  clientIP: { trustedCIDRs: [10.0.0.0/33] }'),
      policy('host', 'wide', '  clientIP: { header: Host }'),
      policy('token', 'narrow', '  clientIP: { header: "X-Client IP" }'),
    );
    const { stdout } = await runWeir(['validate', folder]);
    expect(stdout).toContain('spec.clientIP.trustedCIDRs[0]: must be a range of addresses like 10.0.0.0/8 or fd00::/8');
    expect(stdout).toContain('spec.clientIP.header: must be a header that reaches backends as it came');
    expect(stdout).toContain('spec.clientIP.header: must be the name of a header');
  });
});
