// Requirements of tests on the machine: how to check them, and how to meet them.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { allBuilt } from '../cluster/tools.ts';
import { postgresPrograms } from './postgres.ts';

/** A requirement. */
interface Requirement {
  met(env: NodeJS.ProcessEnv): boolean;
  /** The remedy for a person. */
  readonly remedy: string;
  /** The Debian package with it, which `npm test` installs as root. */
  readonly package?: string;
}

function program(name: string, debianPackage: string): Requirement {
  return { met: (env) => onPath(name, env), remedy: `apt-get install ${debianPackage}`, package: debianPackage };
}

/** All requirements. */
const REQUIREMENTS = {
  /** A test cluster (test/cluster): Linux, and Go unless its parts are already built. */
  cluster: {
    met: (env) => process.platform === 'linux' && (allBuilt() || goVersion(env) >= 26),
    remedy: 'on Linux, install Go 1.26 or later',
  },
  /** Own addresses and network namespaces for a test. */
  root: { met: () => process.getuid?.() === 0, remedy: 'run as root' },
  ip: program('ip', 'iproute2'),
  nft: program('nft', 'nftables'),
  conntrack: program('conntrack', 'conntrack'),
  git: program('git', 'git'),
  haproxy: program('haproxy', 'haproxy'),
  curl: program('curl', 'curl'),
  zsh: program('zsh', 'zsh'),
  fish: program('fish', 'fish'),
  prometheus: program('prometheus', 'prometheus'),
  promtool: program('promtool', 'prometheus'),
  postgres: { met: () => postgresPrograms() !== '', remedy: 'apt-get install postgresql', package: 'postgresql' },
  redis: program('redis-server', 'redis-server'),
  rsyslog: {
    met: () =>
      existsSync('/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so') || existsSync('/usr/lib/aarch64-linux-gnu/rsyslog/lmnsd_gtls.so'),
    remedy: 'apt-get install rsyslog rsyslog-gnutls',
    package: 'rsyslog-gnutls',
  },
  chromium: program('chromium', 'chromium'),
  /** Tools that are built from their Go modules. */
  go: { met: (env) => goVersion(env) >= 24, remedy: 'install Go 1.24 or later' },
} satisfies Readonly<Record<string, Requirement>>;

export type RequirementName = keyof typeof REQUIREMENTS;

/** The remedies that tests with these requirements need here; empty if they can run. */
export function remediesFor(names: readonly RequirementName[], env: NodeJS.ProcessEnv = process.env): string[] {
  return names.filter((name) => !REQUIREMENTS[name].met(env)).map((name) => REQUIREMENTS[name].remedy);
}

/** Debian packages that tests need and the machine lacks. */
export function missingPackages(env: NodeJS.ProcessEnv = process.env): string[] {
  const all: readonly Requirement[] = Object.values(REQUIREMENTS);
  const missing = all.flatMap((requirement) => (requirement.package === undefined || requirement.met(env) ? [] : [requirement.package]));
  return [...new Set(missing)];
}

/** Tests that were skipped because of a missing requirement. */
export interface LeftOut {
  readonly name: string;
  readonly remedies: readonly string[];
}

/** The environment variable with the file in which a run collects skipped tests, one JSON object per line. */
export const LEFT_OUT_FILE = 'WEIR_TESTS_LEFT_OUT';

/** The tests that a run skipped. */
export function readLeftOut(file: string): LeftOut[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as LeftOut);
}

/** One line for the terminal. */
export function describeLeftOut({ name, remedies }: LeftOut): string {
  return `left out: ${name}. To run it: ${remedies.join('; ')}`;
}

function onPath(name: string, env: NodeJS.ProcessEnv): boolean {
  const folders = (env['PATH'] ?? '').split(path.delimiter).filter((folder) => folder !== '');
  return folders.some((folder) => isExecutable(path.join(folder, name)));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** 26 for Go 1.26; 0 without Go. */
function goVersion(env: NodeJS.ProcessEnv): number {
  const { stdout } = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8', env: { ...env, GOTOOLCHAIN: 'local' } });
  return Number(/^go1\.(\d+)/.exec(stdout ?? '')?.[1] ?? 0);
}
