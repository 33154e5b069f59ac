// The thread that compares passwords with bcrypt hashes, which takes a tenth of a second each. bcryptjs is JavaScript without
// dependencies: it needs neither a compiler nor a binary for the platform.
import { parentPort } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';

/** A comparison. */
export interface BcryptTask {
  readonly id: number;
  readonly password: string;
  readonly hash: string;
}

/** Its result. */
export interface BcryptResult {
  readonly id: number;
  readonly matches: boolean;
}

parentPort?.on('message', ({ id, password, hash }: BcryptTask) => {
  parentPort?.postMessage({ id, matches: matches(password, hash) } satisfies BcryptResult);
});

function matches(password: string, hash: string): boolean {
  try {
    return compareSync(password, hash);
  } catch {
    return false;
  }
}
