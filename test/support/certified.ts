// A CA and a certificate of it, shared by all tests of a file.
import { afterAll, beforeAll } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { secretOf, TestCa } from './certificates.ts';
import type { IssuedFiles } from './certificates.ts';

/** Filled before the first test. */
export interface Certified {
  readonly ca: TestCa;
  readonly files: IssuedFiles;
  /** The same pair as a resource for proxies: `default/cert`. */
  readonly secret: ir.Secret;
}

/** To be called once at the top of a test file. `names` as openssl writes subjectAltName. */
export function certified(names: string): Certified {
  const made: Partial<{ -readonly [Key in keyof Certified]: Certified[Key] }> = {};
  beforeAll(async () => {
    made.ca = await TestCa.create();
    made.files = await made.ca.issue('test', names);
    made.secret = secretOf('default/cert', made.files);
  });
  afterAll(() => made.ca?.remove());
  return made as Certified;
}
