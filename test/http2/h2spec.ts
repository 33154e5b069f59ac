// h2spec, the conformance suite of HTTP/2 servers (https://github.com/summerwind/h2spec): built from its Go module once per
// version, run against a port, and read.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { moduleTool } from '../support/go-tool.ts';

export const H2SPEC = moduleTool('h2spec', '2.2.1+incompatible', ['github.com/summerwind/h2spec/cmd/h2spec']);

/** How a run ended. */
export interface H2specResult {
  readonly passed: number;
  /** `section/number: description` of the failed cases. */
  readonly failed: readonly string[];
}

/** Runs all cases, in strict mode also the recommendations of RFC 9113. */
export async function runH2spec(port: number, secure: boolean, strict: boolean): Promise<H2specResult> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'weir-h2spec-'));
  try {
    const report = path.join(folder, 'report.xml');
    const how = [...(secure ? ['--tls', '--insecure'] : []), ...(strict ? ['--strict'] : [])];
    // The exit status is 1 if a case fails; the report names it.
    await new Promise<void>((resolve) => {
      const args = ['--host', '127.0.0.1', '--port', String(port), '--junit-report', report, ...how];
      execFile(path.join(H2SPEC.folder, 'h2spec'), args, { maxBuffer: 1e8 }, () => resolve());
    });
    return readReport(await readFile(report, 'utf8'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

function readReport(xml: string): H2specResult {
  const cases = [...xml.matchAll(/<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(\/>|>([^]*?)<\/testcase>)/g)];
  const failed = cases
    .filter(([, , , , body = '']) => /<(failure|error|skipped)/.test(body))
    .map(([, section, title]) => `${section}: ${title}`);
  return { passed: cases.length - failed.length, failed };
}
