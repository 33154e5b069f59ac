// `npm run conformance [-- TEST...]`: runs the official conformance suite of the Gateway API against Weir in a cluster of processes. A run
// of all tests writes the report. Exits with 1 unless every test passed.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { GATEWAY_API_VERSION } from '../cluster/tools.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { startInstallation } from './installation.ts';
import type { TestResult, TestResults } from './results.ts';
import { runSuite } from './suite.ts';
import { DNS, SUITE } from './tools.ts';

const REPORTS = path.join(import.meta.dirname, 'reports');
const MAX_OUTPUT = 6_000;

async function main(only: readonly string[]): Promise<number> {
  for (const tool of [SUITE, DNS]) buildGoTool(tool);
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'weir-conformance-'));
  mkdirSync(REPORTS, { recursive: true });
  const report =
    only.length === 0 ? path.join(REPORTS, `v${GATEWAY_API_VERSION}-experimental-report.yaml`) : path.join(scratch, 'report.yaml');
  const started = performance.now();
  const cluster = await startInstallation();
  const seconds = () => ((performance.now() - started) / 1_000).toFixed(1);
  console.log(`cluster ${cluster.folder} ready after ${seconds()} s`);
  try {
    const onResult = ({ name, outcome }: TestResult): void => {
      if (name.split('/').length === 2) console.log(`${seconds().padStart(6)} s  ${outcome}  ${name}`);
    };
    const results = await runSuite(cluster, { only, report, onResult });
    return summary(results);
  } finally {
    await cluster.stop();
    rmSync(scratch, { recursive: true });
  }
}

function summary(results: TestResults): number {
  const failed = results.at(1).filter(({ outcome }) => outcome === 'failed');
  for (const { name } of failed) {
    for (const cause of results.causes(name)) console.log(`\n--- ${cause.name}\n${cause.output.slice(-MAX_OUTPUT)}`);
  }
  const tests = results.at(2);
  const count = (outcome: string) => tests.filter((result) => result.outcome === outcome).length;
  console.log(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} left out`);
  return failed.length === 0 && tests.length > 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
