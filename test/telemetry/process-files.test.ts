// `weir proxies profile` and `weir proxies heap-snapshot` and the same of the controller, at `weir up` with two workers, as processes.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Backend } from '../support/backend.ts';
import { startUp } from '../support/up.ts';
import type { Up } from '../support/up.ts';

let backend: Backend;
let up: Up;
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-process-files-'));
  backend = await new Backend('one').start();
  up = await startUp([backend.port], '--workers', '2');
});
afterAll(async () => {
  await up.stop();
  await backend.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What the developer tools require of a profile. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[];
  }[];
  readonly startTime: number;
  readonly endTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** And of a snapshot. */
interface Snapshot {
  readonly snapshot: {
    readonly meta: { readonly node_fields: readonly string[] };
    readonly node_count: number;
    readonly edge_count: number;
  };
  readonly nodes: readonly number[];
  readonly edges: readonly number[];
  readonly strings: readonly string[];
}

function read<File>(file: string): File {
  expect(statSync(file).mode & 0o777).toBe(0o600);
  return JSON.parse(readFileSync(file, 'utf8')) as File;
}

describe('weir proxies profile', () => {
  test.each(['1', 'supervisor'])('writes a CPU profile of %s', async (worker) => {
    const file = path.join(folder, `${worker}.cpuprofile`);
    const finished = await up.weir('proxies', 'profile', 'weir-up', '--worker', worker, '--duration', '300ms', '--file', file);
    expect(finished).toMatchObject({ code: 0, stdout: expect.stringContaining('keep it as a secret') });
    const { nodes, samples, timeDeltas, startTime, endTime } = read<Profile>(file);
    const ids = new Set(nodes.map(({ id }) => id));
    expect(nodes[0]?.callFrame.functionName).toBe('(root)');
    expect(nodes.every(({ children = [] }) => children.every((child) => ids.has(child)))).toBe(true);
    expect(samples.length).toBeGreaterThan(0);
    expect(samples.every((id) => ids.has(id))).toBe(true);
    expect(timeDeltas).toHaveLength(samples.length);
    expect(endTime - startTime).toBeGreaterThanOrEqual(290_000);
  });

  test('is taken once at a time, and ends when the caller leaves', async () => {
    const leaving = new AbortController();
    const ask = (duration: string, signal: AbortSignal | null = null): Promise<Response> =>
      fetch(`http://127.0.0.1:${up.adminPort}/proxies/profile`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ proxy: 'weir-up', duration }),
        signal,
      });
    const long = ask('1m', leaving.signal).catch(() => null);
    const started = performance.now();
    // Only while the long one runs, another is refused.
    let refused = await ask('1ms');
    while (refused.status === 200) {
      await refused.arrayBuffer();
      refused = await ask('1ms');
    }
    expect(await refused.json()).toMatchObject({ status: 409, detail: expect.stringContaining('already') });
    leaving.abort();
    await long;
    let next = await ask('1ms');
    while (next.status === 409 && performance.now() - started < 30_000) next = await ask('1ms');
    expect(next.status).toBe(200);
    await next.arrayBuffer();
  });

  test('replaces no file, and leaves none behind a refusal', async () => {
    const file = path.join(folder, 'kept');
    writeFileSync(file, 'kept');
    expect(await up.weir('proxies', 'profile', 'weir-up', '--file', file)).toMatchObject({ code: 2 });
    expect(readFileSync(file, 'utf8')).toBe('kept');
    const other = path.join(folder, 'other');
    for (const [args, message] of [
      [['nowhere'], /no proxy reports under the name nowhere/],
      [['weir-up', '--worker', '2'], /this proxy has 0 to 1, and supervisor/],
      [['weir-up', '--duration', '2m'], /duration: must be from 1ms to 1m/],
      [[], /takes the name of one proxy/],
    ] as const) {
      const { code, stderr } = await up.weir('proxies', 'profile', ...args, '--file', other);
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
    }
    expect(existsSync(other)).toBe(false);
  });
});

describe('weir proxies heap-snapshot', () => {
  test('writes a snapshot of a worker, which serves after it', async () => {
    const file = path.join(folder, 'worker.heapsnapshot');
    expect(await up.weir('proxies', 'heap-snapshot', 'weir-up', '--worker', '0', '--file', file)).toMatchObject({ code: 0 });
    const { snapshot, nodes, edges, strings } = read<Snapshot>(file);
    expect(nodes).toHaveLength(snapshot.node_count * snapshot.meta.node_fields.length);
    expect(edges.length).toBeGreaterThan(snapshot.edge_count);
    expect(strings).toContain('IsolatedRequestPath');
    const response = await fetch(`http://127.0.0.1:${up.port}/`);
    expect(response.status).toBe(404);
    expect(up.child.output).not.toContain('a worker died');
  });
});

test('weir controllers writes a CPU profile of the controller, whose log tells the caller and the target', async () => {
  const file = path.join(folder, 'controller.cpuprofile');
  const finished = await up.weir('controllers', 'profile', '--duration', '200ms', '--file', file);
  expect(finished).toMatchObject({ code: 0, stdout: expect.stringContaining('keep it as a secret') });
  expect(read<Profile>(file).nodes.length).toBeGreaterThan(0);
  await up.child.printed(/"file":"CPU profile","caller":"127\.0\.0\.1","target":"controller"/);
  await up.child.printed(/"file":"CPU profile","caller":"127\.0\.0\.1","target":"weir-up"/);
  const late = await up.weir('controllers', 'profile', '--duration', '2m', '--file', path.join(folder, 'late.cpuprofile'));
  expect(late).toMatchObject({ code: 2, stderr: expect.stringContaining('must be from 1ms to 1m') });
  expect(existsSync(path.join(folder, 'late.cpuprofile'))).toBe(false);
});
