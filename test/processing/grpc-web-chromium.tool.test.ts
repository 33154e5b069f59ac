// gRPC-Web from a page in Chromium to a server of grpc-go, across origins.
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { chromium, type Browser, type Page } from 'playwright-core';
import { GRPC_PEER, PeerServer } from '../grpc/peer.ts';
import { manifest, SecurityRig as PolicyRig, securityPolicy } from '../security/rig.ts';
import { describeWith } from '../support/describe-with.ts';
import { closeAfterAll } from '../support/fixture.ts';
import { buildGoTool } from '../support/go-tool.ts';

closeAfterAll();

const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'];
const PATIENCE_MS = 60_000;

/** Runs in the page: calls a method, and resolves to the first bytes of the answer, hexadecimal, up to `frames` frames. */
const CALL = `async (origin, path, service, frames) => {
  const name = new TextEncoder().encode(service);
  const body = new Uint8Array([0, 0, 0, 0, name.length + 2, 0x0a, name.length, ...name]);
  const headers = { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1' };
  const answer = await fetch(origin + '/grpc.health.v1.Health/' + path, { method: 'POST', headers, body });
  const reader = answer.body.getReader();
  let bytes = [];
  const complete = () => {
    let [at, count] = [0, 0];
    while (at + 5 <= bytes.length) { at += 5 + ((bytes[at + 1] << 24) | (bytes[at + 2] << 16) | (bytes[at + 3] << 8) | bytes[at + 4]); count += at <= bytes.length; }
    return count;
  };
  while (complete() < frames) { const { done, value } = await reader.read(); if (done) break; bytes.push(...value); }
  await reader.cancel();
  return String.fromCharCode(...bytes);
}`;

describeWith(['go', 'chromium'], 'gRPC-Web in Chromium', () => {
  const site = http.createServer((_, response) => response.setHeader('content-type', 'text/html').end('<h1>page</h1>'));
  let server: PeerServer;
  let browser: Browser;
  let page: Page;
  let rig: PolicyRig;

  beforeAll(async () => {
    buildGoTool(GRPC_PEER);
    server = await PeerServer.start();
    site.listen(0, '127.0.0.1');
    await once(site, 'listening');
    const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    const cors = { allowOrigins: [origin], allowMethods: ['POST'], allowHeaders: ['content-type', 'x-grpc-web'] };
    rig = await PolicyRig.start([
      manifest('HTTPPolicy', 'web', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], grpcWeb: {} }),
      securityPolicy('cors', { cors }),
      manifest('Backend', 'app', { endpoints: [{ ip: '127.0.0.1', port: server.port }] }),
    ]);
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGS, timeout: PATIENCE_MS });
    page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(origin);
  }, PATIENCE_MS * 5);

  afterAll(async () => {
    await browser?.close();
    site.close();
    await server.stop();
  });

  const call = (path: string, service: string, frames: number): Promise<string> =>
    page.evaluate(`(${CALL})('http://127.0.0.1:${rig.proxy.port}', '${path}', '${service}', ${frames})`);

  test('answers a call, and tells its status', async () => {
    expect(await call('Check', 'test.Up', 2)).toMatch(/^\0\0\0\0\x02\x08\x01\x80\0\0\0.grpc-status: ?0\r\n/);
    expect(await call('Check', 'test.Unknown', 1)).toMatch(/^\x80\0\0\0.grpc-status: ?5\r\n/);
  });

  test('delivers the first message of a stream that does not end', async () => {
    expect(await call('Watch', 'test.Up', 1)).toBe('\0\0\0\0\x02\x08\x01');
  });
});
