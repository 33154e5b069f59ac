// The source of the previous release (test/push/testdata/README.md), unpacked once into `.cache`.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { contentHash } from '#lib/hash.ts';

export const ROOT = path.resolve(import.meta.dirname, '..', '..');
const ARCHIVE = path.join(ROOT, 'test', 'push', 'testdata', 'former-release.tgz');

/** Resolves to its folder, from which it can run. */
export async function formerRelease(): Promise<string> {
  const releases = path.join(ROOT, '.cache', 'former-release');
  const folder = path.join(releases, contentHash(await readFile(ARCHIVE)));
  if (existsSync(folder)) return folder;
  await mkdir(releases, { recursive: true });
  const unpacked = await mkdtemp(path.join(releases, 'new-'));
  await promisify(execFile)('tar', ['-xzf', ARCHIVE, '-C', unpacked]);
  await symlink(path.join(ROOT, 'node_modules'), path.join(unpacked, 'node_modules'));
  // Another test may have created it first.
  await rename(unpacked, folder).catch(() => rm(unpacked, { recursive: true }));
  return folder;
}
