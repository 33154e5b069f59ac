// Load generators and their reports. Each generator is one process on one core.
import { spawn } from 'node:child_process';

/** The results of a round. Latencies in milliseconds, NaN if the tool does not report them. */
export interface LoadResult {
  /** Number of complete requests, messages or connections. */
  readonly requests: number;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  /** Number of failures and unexpected answers. */
  readonly errors: number;
}

/** Target and amount of load. */
export interface LoadTarget {
  readonly port: number;
  /** Path and query. */
  readonly path: string;
  readonly tls: boolean;
  readonly connections: number;
  readonly seconds: number;
  /** A folder for files of the tool. */
  readonly folder: string;
}

/** A load generator. */
export interface Load {
  /** Why the generator cannot run here, or null. */
  missing(): string | null;
  /** Runs pinned to a core. */
  run(core: number, target: LoadTarget): Promise<LoadResult>;
}

/** Headers of every request over HTTP. None of them changes what a proxy does: a cache would obey `cache-control`. */
export const REQUEST_HEADERS = ['accept: application/json', 'accept-language: en', 'x-request-source: bench', 'x-request-reason: none'];

/** Runs a command on a core until it ends, and returns its output. */
export async function runPinned(core: number, command: string, args: readonly string[]): Promise<string> {
  const child = spawn('taskset', ['-c', String(core), command, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let report = '';
  child.stdout.on('data', (chunk: Buffer) => (report += chunk.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  return report;
}

/** `http://127.0.0.1:1/path`. */
export function urlOf({ tls, port, path }: LoadTarget): string {
  return `${tls ? 'https' : 'http'}://127.0.0.1:${port}${path}`;
}
