// The metrics of the store of `weir up`, as a scraper reads them, while its file is damaged and after it was replaced.
import { expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { request } from 'undici';
import { startUp } from '../support/up.ts';

test('a store that fails shows in the metrics, and one that works again too', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-store-metrics-'));
  const file = path.join(folder, 'store.sqlite');
  writeFileSync(file, 'this is not a database, whatever its name says'.repeat(100));
  const up = await startUp([1], '--store', file, '--probe-port', '0');
  try {
    const [, probe = ''] = await up.child.printed(/metrics on (http:\S+)/);
    const metric = async (series: string): Promise<number | null> => {
      const { body } = await request(probe);
      const line = (await body.text()).split('\n').find((each) => each.startsWith(`${series} `));
      return line === undefined ? null : Number(line.slice(series.length));
    };
    // The overrides are read at the start.
    expect(await metric('weir_store_failing')).toBe(1);
    expect(await metric('weir_store_operations_total{operation="read",result="failed"}')).toBeGreaterThan(0);
    rmSync(file);
    expect((await up.weir('endpoint', 'out', '127.0.0.1:1')).code).toBe(0);
    const written = 'weir_store_operations_total{operation="write",result="done"}';
    // The command does not wait for the store.
    while ((await metric(written)) !== 1);
    expect(await metric('weir_store_failing')).toBe(0);
    expect(await metric('weir_store_operation_seconds_count{operation="write"}')).toBe(1);
    expect(await metric('weir_store_bytes')).toBeGreaterThan(0);
  } finally {
    await up.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
