// The complete official conformance suite of the Gateway API: five profiles, all core and extended features.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import type { Cluster } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { startInstallation } from './installation.ts';
import type { TestResults } from './results.ts';
import { PROFILES, runSuite } from './suite.ts';
import { DNS, SUITE } from './tools.ts';

// The first run on a machine builds the parts.
const DEADLINE_MS = 45 * 60_000;

/** Tests of the suite that are not of meshes. */
const GATEWAY_TESTS = 131;

/** In the format of the suite: one entry for each profile. */
interface Report {
  readonly profiles: readonly {
    readonly name: string;
    readonly core: { readonly result: string };
    readonly extended: { readonly result: string; readonly unsupportedFeatures?: readonly string[] };
  }[];
}

describeWith(['cluster', 'go', 'root', 'ip', 'nft', 'conntrack'], 'conformance to the Gateway API', () => {
  let folder: string;
  let cluster: Cluster;
  let results: TestResults;

  beforeAll(async () => {
    for (const tool of [SUITE, DNS]) buildGoTool(tool);
    folder = mkdtempSync(path.join(os.tmpdir(), 'weir-conformance-'));
    cluster = await startInstallation();
    results = await runSuite(cluster, { only: [], report: path.join(folder, 'report.yaml'), onResult: () => undefined });
  }, DEADLINE_MS);
  afterAll(async () => {
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('every test passes', () => {
    const failed = results.causes('TestConformance').map(({ name, output }) => `${name}\n${output}`);
    expect(failed).toEqual([]);
    expect(results.at(1).map(({ outcome }) => outcome)).toEqual(['passed']);
  });

  test('no test is left out but those of meshes', () => {
    const skipped = results.at(2).filter(({ outcome }) => outcome === 'skipped');
    expect(skipped.filter(({ name }) => !name.startsWith('TestConformance/Mesh'))).toEqual([]);
    expect(results.at(2).filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThanOrEqual(GATEWAY_TESTS);
  });

  test('the report has every profile in full', () => {
    const { profiles } = parse(readFileSync(path.join(folder, 'report.yaml'), 'utf8')) as Report;
    expect(profiles.map(({ name }) => name).sort()).toEqual([...PROFILES].sort());
    for (const { core, extended } of profiles) {
      expect([core.result, extended.result, extended.unsupportedFeatures ?? []]).toEqual(['success', 'success', []]);
    }
  });
});
