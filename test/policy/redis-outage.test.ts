// Redis is killed and frozen under load, through a Weir with two workers that speaks TLS to it, and through one with a Cluster.
import { afterEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { TestCa } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { RedisServer, startRedisCluster } from '../support/redis.ts';
import { LimitedWeir, type LimitedAnswer } from './limited-weir.ts';

const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** A server with TLS, a user and a password, and the flags of a proxy for it. */
async function protectedRedis(): Promise<{ readonly redis: RedisServer; readonly flags: readonly string[] }> {
  const ca = await TestCa.create();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-redis-flags-'));
  const { certificate, privateKey } = await ca.issue('redis', 'IP:127.0.0.1');
  const [userFile, passwordFile] = [path.join(folder, 'user'), path.join(folder, 'password')];
  writeFileSync(userFile, 'weir\n');
  writeFileSync(passwordFile, 'a-password\n');
  const tls = ['--tls-port', 'PORT', '--tls-cert-file', certificate, '--tls-key-file', privateKey, '--tls-ca-cert-file', ca.certificate];
  const users = [...'--user weir on >a-password ~* &* +@all'.split(' '), ...'--user default off'.split(' ')];
  const redis = await RedisServer.start([...tls, '--tls-auth-clients', 'no', ...users]);
  opened.push(
    () => rmSync(folder, { recursive: true, force: true }),
    () => rmSync(ca.folder, { recursive: true, force: true }),
    () => redis.stop(),
  );
  const files = ['--redis-user-file', userFile, '--redis-password-file', passwordFile, '--redis-tls-ca', ca.certificate];
  return { redis, flags: ['--redis-url', `rediss://127.0.0.1:${redis.port}`, ...files] };
}

async function start(limit: object, flags: readonly string[]): Promise<LimitedWeir> {
  const weir = await LimitedWeir.start(limit, flags);
  opened.push(() => weir.stop());
  await weir.until(isCounted, 'ready');
  return weir;
}

function isCounted(answers: readonly LimitedAnswer[]): boolean {
  return answers.every((answer) => answer.isCounted);
}

function isNeverCounted(answers: readonly LimitedAnswer[]): boolean {
  return answers.every((answer) => !answer.isCounted);
}

/** The statuses with their codes, each once. */
function kinds(answers: readonly LimitedAnswer[]): readonly string[] {
  return [...new Set(answers.map(({ status, code }) => `${status} ${code}`.trim()))].sort();
}

const BREAKS = [
  ['is killed', (redis: RedisServer) => redis.kill(), (redis: RedisServer) => redis.restart()],
  ['freezes', (redis: RedisServer) => redis.freeze(), (redis: RedisServer) => redis.thaw()],
] as const;

describeWith(['redis'], 'while redis', () => {
  test.each(BREAKS)('%s, requests at an open limit go on, and count again afterwards', async (_, breakIt, mend) => {
    const { redis, flags } = await protectedRedis();
    const weir = await start({ requests: 1_000_000 }, flags);
    const answers = await weir.load(async () => {
      await breakIt(redis);
      await weir.until(isNeverCounted, 'away');
      await mend(redis);
      await weir.until(isCounted, 'back');
    });
    expect(kinds(answers)).toEqual(['200']);
    expect(weir.child.output).not.toContain('a-password');
  });

  test.each(BREAKS)('%s, requests at a closed limit are refused, and it is exact again afterwards', async (_, breakIt, mend) => {
    const { redis, flags } = await protectedRedis();
    const weir = await start({ requests: 20, onError: 'Closed' }, flags);
    const answers = await weir.load(async () => {
      await breakIt(redis);
      await weir.until((each) => each.every(({ status }) => status === 503), 'away');
      await mend(redis);
      await weir.until(isCounted, 'back');
    });
    expect(kinds(answers)).toEqual(expect.arrayContaining(['503 limit_unavailable']));
    expect(kinds(answers).filter((kind) => !['200', '429 rate_limited', '503 limit_unavailable'].includes(kind))).toEqual([]);
    expect(weir.child.output).toMatch(/"event":"limit_unavailable".*"policy":"RateLimitPolicy\/default\/limits".*"rule":"w"/);
    const burst = await weir.burst('exact', 50);
    expect(burst.filter(({ status }) => status === 200)).toHaveLength(20);
    expect(kinds(burst)).toEqual(['200', '429 rate_limited']);
  });
});

/** Resolves once the same callers have been refused, and the same served, five times in a row. */
async function repeated(statuses: () => Promise<readonly number[]>): Promise<void> {
  let former = '';
  for (let same = 0; same < 5;) {
    const next = await statuses();
    same = next.includes(503) && next.includes(200) && String(next) === former ? same + 1 : 0;
    former = String(next);
  }
}

describeWith(['redis'], 'a Cluster of Redis', () => {
  test('refuses only the keys of a master that is killed', async () => {
    const servers = await startRedisCluster(3);
    for (const each of servers) opened.push(() => each.stop());
    for (const each of servers) await each.command('CONFIG', 'SET', 'cluster-require-full-coverage', 'no');
    const url = `redis+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
    const weir = await start({ requests: 1_000, onError: 'Closed' }, ['--redis-url', url]);
    const tenants = Array.from({ length: 24 }, (_, i) => `tenant-${i}`);
    const statuses = async () => (await Promise.all(tenants.map((tenant) => weir.ask(tenant)))).map(({ status }) => status);
    while ((await statuses()).includes(503));
    await servers[1]?.kill();
    await repeated(statuses);
    await servers[1]?.restart();
    while ((await statuses()).includes(503));
  });
});
