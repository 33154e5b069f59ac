// `weir consumer` with a folder of YAML: the key is shown once, comments stay, and the compiler takes what it writes.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Consumer } from '#api/ir/ir.ts';
import { storedApiKey } from '#lib/api-key.ts';
import { Compiler } from '../../controller/compile/compile.ts';
import { readOnce } from '../../controller/watch/folder.ts';
import { runWeir } from '../support/child.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-consumers-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: readonly string[]) => runWeir(['consumer', ...args, '--folder', folder]);

/** The Consumers of the folder as proxies get them, by key. */
async function compiled(): Promise<ReadonlyMap<string, Consumer>> {
  const { objects, problems } = await readOnce([folder]);
  expect(problems).toEqual([]);
  const compiler = new Compiler({ controllerName: 'gateway.weir.dev/controller' });
  const { changed } = compiler.apply(objects.map((object) => ({ type: 'upsert' as const, object })));
  const consumers = changed.map(({ body }) => JSON.parse(body.toString()) as Consumer).filter(({ kind }) => kind === 'Consumer');
  return new Map(consumers.map((consumer) => [consumer.key, consumer]));
}

/** The digests of the API keys of alice, with their ends. */
async function digests(): Promise<readonly (readonly [digest: string, expires: number | undefined])[]> {
  const credentials = (await compiled()).get('default/alice')?.credentials ?? [];
  return credentials.flatMap((one) => (one.type === 'ApiKey' ? [[`sha256:${one.digest}`, one.expires] as const] : []));
}

function text(): string {
  return readFileSync(path.join(folder, 'consumer-alice.yaml'), 'utf8');
}

describe('weir consumer', () => {
  test('creates a Consumer and prints its key, which is nowhere else', async () => {
    const { code, stdout, stderr } = await run('create', 'alice', '--group', 'customers', '--plan', 'gold');
    const key = stdout.trim();
    expect({ code, key, stderr }).toEqual({
      code: 0,
      key: expect.stringMatching(/^weir_[0-9A-Za-z]{49}$/),
      stderr: expect.stringContaining('Consumer/default/alice is created'),
    });
    expect(text()).not.toContain(key);
    expect(await digests()).toEqual([[storedApiKey(key), undefined]]);
    expect((await compiled()).get('default/alice')).toMatchObject({ groups: ['customers'], plan: 'gold', disabled: false });
  });

  test('rotates the key: the former one ends after the overlap, and comments stay', async () => {
    const first = (await run('create', 'alice', '--plan', 'gold')).stdout.trim();
    writeFileSync(
      path.join(folder, 'consumer-alice.yaml'),
      `# Ask Carol first.\n${text().replace('plan: gold', 'plan: gold # since May')}`,
    );
    const started = Date.now();
    const second = (await run('rotate', 'alice', '--overlap', '1h')).stdout.trim();
    expect(text()).toContain('# Ask Carol first.');
    expect(text()).toContain('plan: gold # since May');
    const [[one, end] = [], [two, never] = []] = await digests();
    expect([one, two, never]).toEqual([storedApiKey(first), storedApiKey(second), undefined]);
    expect(end).toBeGreaterThanOrEqual(started + 3_599_000);
  });

  test('removes keys that have ended at the next rotation', async () => {
    await run('create', 'alice');
    const second = (await run('rotate', 'alice', '--overlap', '0')).stdout.trim();
    const third = (await run('rotate', 'alice')).stdout.trim();
    expect((await digests()).map(([digest]) => digest)).toEqual([second, third].map(storedApiKey));
    expect(text().match(/^kind: Secret$/gm)).toHaveLength(2);
  });

  test('revokes one key, or all credentials', async () => {
    await run('create', 'alice');
    const second = (await run('rotate', 'alice')).stdout.trim();
    const shown = JSON.parse((await run('show', 'alice', '--output', 'json')).stdout) as { credentials: { name: string }[] };
    expect(await run('revoke', 'alice', shown.credentials[0]?.name ?? '')).toMatchObject({ code: 0 });
    expect((await digests()).map(([digest]) => digest)).toEqual([storedApiKey(second)]);
    expect(await run('revoke', 'alice')).toMatchObject({ code: 0, stdout: expect.stringContaining('disabled Consumer/default/alice') });
    expect((await compiled()).get('default/alice')).toMatchObject({ disabled: true });
  });

  test('lists Consumers with their states', async () => {
    await run('create', 'alice', '--group', 'customers', '--plan', 'gold');
    await run('create', 'bob', '--lifetime', '1ms');
    await run('revoke', 'alice');
    const { stdout } = await run('list');
    expect(stdout.split('\n').map((line) => line.split(/\s{2,}/).filter((cell) => cell !== ''))).toEqual(
      expect.arrayContaining([
        ['alice', 'disabled', 'gold', 'customers', '1'],
        ['bob', 'valid', '-', '-', '1'],
      ]),
    );
    expect((await run('show', 'bob')).stdout).toMatch(/apiKey\s+bob-key-[0-9a-f]{8}\s+expired/);
  });

  test.each([
    [['create', 'alice'], 'Consumer/default/alice exists; weir consumer rotate gives it another key'],
    [['rotate', 'bob'], 'Consumer/default/bob does not exist'],
    [['revoke', 'alice', 'other'], 'Consumer/default/alice has no API key in the Secret other; its keys are in alice-key-'],
    [['create', 'No Name'], 'metadata.name'],
    [['create', 'carol', '--group', 'a b'], 'spec.groups[0]'],
    [['remove', 'alice'], 'takes one of create, list, show, rotate, revoke'],
  ])('%j is a mistake', async (args, message) => {
    await run('create', 'alice');
    const before = text();
    expect(await run(...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
    expect(text()).toBe(before);
  });
});
