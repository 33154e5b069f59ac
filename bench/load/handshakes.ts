// One connection per request, each with a TLS 1.3 handshake. The load is a Go program, whose handshakes take less CPU than those of most
// peers; it is built once per content of its source.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { runPinned } from './load.ts';
import type { Load } from './load.ts';

const SOURCE = path.resolve(import.meta.dirname, 'handshakes');

function binary(): string {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'main.go']) hash.update(readFileSync(path.join(SOURCE, file)));
  const version = hash.digest('hex').slice(0, 12);
  return path.resolve(import.meta.dirname, '..', '..', '.cache', 'bench', `handshakes-${version}`, 'handshakes');
}

function missing(): string | null {
  if (existsSync(binary())) return null;
  mkdirSync(path.dirname(binary()), { recursive: true });
  const env = { ...process.env, GOTOOLCHAIN: 'local' };
  const { status, stderr } = spawnSync('go', ['build', '-buildvcs=false', '-o', binary(), '.'], { cwd: SOURCE, env, encoding: 'utf8' });
  return status === 0 ? null : `Go 1.25 or later (${stderr})`;
}

/** The output of the program. */
interface Counts {
  readonly connections: number;
  readonly failed: number;
  readonly seconds: number;
}

function handshakes(resume: boolean): Load {
  return {
    missing,
    async run(core, { port, path: target, connections, seconds }) {
      const where = [`-address=127.0.0.1:${port}`, `-path=${target}`];
      const report = await runPinned(core, binary(), [...where, `-workers=${connections}`, `-seconds=${seconds}`, `-resume=${resume}`]);
      const counts = JSON.parse(report) as Counts;
      return { requests: counts.connections, seconds: counts.seconds, p50: Number.NaN, p99: Number.NaN, errors: counts.failed };
    },
  };
}

/** Every handshake is a full one. */
export const fullHandshakes = handshakes(false);

/** Every handshake resumes the first session of its worker by its ticket. */
export const resumedHandshakes = handshakes(true);
