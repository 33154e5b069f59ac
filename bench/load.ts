// wrk over keep-alive connections, its report read back.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

/** What a round of load did. Latencies in milliseconds. */
export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  /** Answers other than 2xx and 3xx, and socket errors. */
  readonly errors: number;
}

/** Why no load can be made here, or null. */
export function loadMissing(): string | null {
  return existsSync('/usr/bin/wrk') ? null : 'apt-get install wrk';
}

/** Runs wrk pinned to a core. */
export async function load(core: number, url: string, options: { connections: number; seconds: number }): Promise<LoadResult> {
  const headers = ['accept: application/json', 'accept-language: en', 'x-request-source: bench', 'cache-control: no-cache'].flatMap(
    (header) => ['-H', header],
  );
  const args = ['-c', String(core), 'wrk', '-t1', `-c${options.connections}`, `-d${options.seconds}`, '--latency', ...headers, url];
  const child = spawn('taskset', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let report = '';
  child.stdout.on('data', (chunk: Buffer) => (report += chunk.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  return parse(report);
}

function parse(report: string): LoadResult {
  const total = /(\d+) requests in ([\d.]+)(ms|s|m)/.exec(report);
  if (total === null) throw new Error(`wrk reported nothing:\n${report}`);
  const socketErrors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(report);
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(report)?.[1] ?? 0);
  const broken = (socketErrors ?? []).slice(1).reduce((sum, count) => sum + Number(count), 0);
  return {
    requests: Number(total[1]),
    seconds: Number(total[2]),
    p50: milliseconds(/50%\s+([\d.]+)(us|ms|s)/.exec(report)),
    p99: milliseconds(/99%\s+([\d.]+)(us|ms|s)/.exec(report)),
    errors: refused + broken,
  };
}

function milliseconds(match: RegExpExecArray | null): number {
  if (match === null) return Number.NaN;
  const scale = { us: 0.001, ms: 1, s: 1_000 }[match[2] as 'us' | 'ms' | 's'];
  return Number(match[1]) * scale;
}
