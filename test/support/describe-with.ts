// `describe` for tests with requirements. If a requirement is missing, the tests are skipped and named; with CI=true they fail instead.
import { describe, test } from '@jest/globals';
import { appendFileSync } from 'node:fs';
import { describeLeftOut, LEFT_OUT_FILE, remediesFor } from './requirements.ts';
import type { LeftOut, RequirementName } from './requirements.ts';

/** Describes tests with these requirements; `env` replaces the environment. */
export function describeWith(names: readonly RequirementName[], title: string, body: () => void, env = process.env): void {
  const remedies = remediesFor(names, env);
  if (remedies.length === 0) return void describe(title, body);
  if (env['CI'] === 'true') return void describe(title, () => failing(remedies));
  describe.skip(title, body);
  tell({ name: title, remedies }, env[LEFT_OUT_FILE]);
}

function failing(remedies: readonly string[]): void {
  test('has its requirements', () => {
    throw new Error(`this machine cannot run these tests: ${remedies.join('; ')}`);
  });
}

function tell(leftOut: LeftOut, file: string | undefined): void {
  if (file === undefined) console.warn(describeLeftOut(leftOut));
  else appendFileSync(file, `${JSON.stringify(leftOut)}\n`);
}
