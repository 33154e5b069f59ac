// Installs missing Debian packages for the tests: for `npm test`, as root only.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { missingPackages } from './support/requirements.ts';

const APT = '/usr/bin/apt-get';

/** Prints the packages. After a failure, tests without their package are skipped, or fail in CI. */
export function installPackages(): void {
  const missing = missingPackages();
  if (missing.length === 0 || process.getuid?.() !== 0 || !existsSync(APT)) return;
  console.log(`> ${APT} install ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...missing]]) {
    spawnSync(APT, ['-q', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env });
  }
}
