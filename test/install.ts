// Installs the Debian packages that tests need and the machine lacks: for `npm test`, as root only, and nothing when all are there.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { missingPackages } from './support/requirements.ts';

const APT = '/usr/bin/apt-get';

/** Says what it installs. A failure shows in the tests that are left out, or in CI fail, for want of a package. */
export function installPackages(): void {
  const missing = missingPackages();
  if (missing.length === 0 || process.getuid?.() !== 0 || !existsSync(APT)) return;
  console.log(`> ${APT} install ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...missing]]) {
    spawnSync(APT, ['-q', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env });
  }
}
