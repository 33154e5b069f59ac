// `weir up` says of broken and odd input what `weir validate` says: file, line, object, field and reason, each cause once.
import { afterEach, describe, expect, test } from '@jest/globals';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findingsOf } from '../../cli/validate.ts';
import { readOnce } from '../../controller/watch/folder.ts';
import { Child } from '../support/child.ts';

const CASES = path.join(import.meta.dirname, 'cases');
const FLAGS = ['--workers', '1', '--admin-port', 'off', '--probe-port', 'off', '--drain-delay', '0s', '--access-log', 'off'];

let folder = '';
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Told {
  readonly file: string;
  readonly line: number;
  readonly object: string;
  readonly field: string;
  readonly reason: string;
}

/** The findings in the log of `weir up` when it has started. */
async function logged(): Promise<readonly Told[]> {
  const weir = new Child(['up', folder, ...FLAGS]);
  await weir.printed(/serving; stop/);
  await weir.stop();
  const lines = weir.output.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as Told).filter(({ reason, line }) => reason !== undefined && line !== undefined);
}

function inWords({ file, line, object, field, reason }: Told): string {
  return `${path.basename(file)}:${line} ${object} ${field}: ${reason}`;
}

/** Of each kind of cause one; those that hold on ports that a test may bind. */
const REPRESENTATIVES = [
  'parent-missing.yaml',
  'class-missing.yaml',
  'section-missing.yaml',
  'backend-missing.yaml',
  'policy-target-missing.yaml',
  'session-persistence.yaml',
  'yes-as-text.yaml',
  'duplicate-key.yaml',
  'helm-template.yaml',
  'version-wrong.yaml',
  'ingress.yaml',
  'two-files-one-object',
  'json-with-comment.json',
  'certificate-missing.yaml',
  'certificate-of-other-key.yaml',
  'empty-folder',
];

describe('weir up', () => {
  test.each(REPRESENTATIVES)('says of %s what weir validate says', async (name) => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'weir-messages-'));
    cpSync(path.join(CASES, name), path.extname(name) === '' ? folder : path.join(folder, name), { recursive: true });
    const findings = findingsOf(await readOnce([folder]));
    expect(findings.length).toBeGreaterThan(0);
    expect((await logged()).map(inWords).sort()).toEqual(findings.map(inWords).sort());
  });
});

test('the cases are those of the golden files', () => {
  for (const name of REPRESENTATIVES) expect(readFileSync(path.join(CASES, `${name.replace(/\.\w+$/, '')}.txt`), 'utf8')).not.toBe('');
});
