// From an Ingress to answers: what `weir migrate` writes, served by `weir up`.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Backend } from '../support/backend.ts';
import type { Echo } from '../support/backend.ts';
import { TestCa } from '../support/certificates.ts';
import { Child, runWeir } from '../support/child.ts';
import { freePorts } from '../support/free-port.ts';
import { secretWith } from '../support/pairs.ts';

const web = new Backend('web');
const api = new Backend('api');
let ca: TestCa;
let folder = '';
let [plain, secured]: number[] = [];
let weir: Child;

const INGRESS = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
spec:
  tls: [{ hosts: [web.test], secretName: web-tls }]
  rules:
    - host: web.test
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { name: http } } } }] }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: api
  annotations:
    nginx.ingress.kubernetes.io/rewrite-target: /$2
    nginx.ingress.kubernetes.io/use-regex: "true"
    nginx.ingress.kubernetes.io/limit-rps: "5"
spec:
  rules:
    - host: api.test
      http: { paths: [{ path: /api(/|$)(.*), pathType: ImplementationSpecific, backend: { service: { name: api, port: { number: 80 } } } }] }
`;

/** A Service with one endpoint on this machine. */
function service(name: string, port: number): string {
  return [
    `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { ports: [{ name: http, port: 80 }] }`,
    `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: { name: ${name}, labels: { kubernetes.io/service-name: ${name} } }\naddressType: IPv4\nports: [{ name: http, port: ${port} }]\nendpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]`,
  ].join('\n---\n');
}

beforeAll(async () => {
  ca = await TestCa.create();
  await Promise.all([web.start(), api.start()]);
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-migrate-'));
  [plain = 0, secured = 0] = await freePorts(2);
  const secret = secretWith('web-tls', await ca.issue('web', 'DNS:web.test'));
  const gatewayClass =
    'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: { name: weir }\nspec: { controllerName: gateway.weir.dev/controller }';
  writeFileSync(path.join(folder, 'ingress.yaml.txt'), INGRESS);
  writeFileSync(
    path.join(folder, 'cluster.yaml'),
    [gatewayClass, JSON.stringify(secret), service('web', web.port), service('api', api.port)].join('\n---\n'),
  );
});
afterAll(async () => {
  await weir?.stop();
  await Promise.all([web.stop(), api.stop(), ca.remove()]);
  rmSync(folder, { recursive: true, force: true });
});

/** The answer to a request, by curl. */
async function curl(...args: string[]): Promise<string> {
  const resolve = ['web.test', 'api.test'].flatMap((host) =>
    [plain, secured].flatMap((port) => ['--resolve', `${host}:${port}:127.0.0.1`]),
  );
  const { stdout } = await promisify(execFile)('curl', ['-sS', '--cacert', ca.certificate, ...resolve, ...args]);
  return stdout;
}

describe('weir migrate', () => {
  test('writes a file for each object, reports what is left out, and exits with 1', async () => {
    const ports = ['--entry-point', `web=${plain}`, '--entry-point', `websecure=${secured}`];
    const files = [path.join(folder, 'ingress.yaml.txt'), path.join(folder, 'cluster.yaml')];
    const { code, stdout, stderr } = await runWeir(['migrate', ...files, '--output', folder, ...ports]);
    expect(stdout).toBe('');
    expect(stderr).toContain('limit-rps]: Weir has no rate limits yet');
    expect(stderr).toMatch(/^4 objects written, 1 settings left out$/m);
    expect(readdirSync(folder)).toContain('httproute.default.web.yaml');
    expect(code).toBe(1);
  });

  test('writes what passes weir validate', async () => {
    const { code, stdout } = await runWeir(['validate', folder]);
    expect(stdout).toContain(' 0 errors');
    expect(code).toBe(0);
  });

  test('writes what weir up serves: TLS, the redirect to it, and the rewrite', async () => {
    weir = new Child(['up', folder]);
    await weir.printed(/serving; stop with/);
    expect(JSON.parse(await curl(`https://web.test:${secured}/a`))).toMatchObject({ backend: 'web', url: '/a' } satisfies Partial<Echo>);
    expect(JSON.parse(await curl(`http://api.test:${plain}/api/items?x=1`))).toMatchObject({ backend: 'api', url: '/items?x=1' });
    const redirect = await curl('-o', '/dev/null', '-w', '%{http_code} %{redirect_url}', `http://web.test:${plain}/a`);
    expect(redirect).toBe(`308 https://web.test:${secured}/a`);
  });

  test('prints to stdout without --output, and ends with 0 when nothing is left out', async () => {
    const file = path.join(folder, 'one.yaml.txt');
    writeFileSync(file, INGRESS.split('---')[0] ?? '');
    const { code, stdout, stderr } = await runWeir(['migrate', file, path.join(folder, 'cluster.yaml')]);
    expect([code, stderr]).toEqual([0, expect.stringContaining('3 objects written, 0 settings left out')]);
    expect(stdout).toMatch(/^apiVersion: gateway\.networking\.k8s\.io\/v1\nkind: Gateway\n/);
    expect(readFileSync(file, 'utf8')).toContain('Ingress');
  });

  test.each([
    [[], 'weir migrate takes files or folders'],
    [['nowhere.yaml'], 'nowhere.yaml'],
    [['.', '--from', 'apache'], '--from: "apache" is none of ingress-nginx, traefik, envoy-gateway, gateway-api'],
    [['.', '--gateway', 'edge'], '--gateway: "edge" is not NAMESPACE/NAME'],
    [['.', '--entry-point', 'web'], '--entry-point: "web" is not NAME=PORT'],
  ])('ends with 2 and the reason for the command line %j', async (args, reason) => {
    const { code, stderr } = await runWeir(['migrate', ...args]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(reason)]);
  });
});
