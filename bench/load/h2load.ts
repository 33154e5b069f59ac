// h2load: ten concurrent streams on each connection; with a body, unary gRPC calls.
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { REQUEST_HEADERS, runPinned, urlOf } from './load.ts';
import type { Load, LoadResult, LoadTarget } from './load.ts';

const STREAMS = 10;

function missing(): string | null {
  return existsSync('/usr/bin/h2load') ? null : 'apt-get install nghttp2-client';
}

async function run(core: number, target: LoadTarget, headers: readonly string[], more: readonly string[]): Promise<LoadResult> {
  const duration = [`-D${target.seconds}`, '-t1', `-c${target.connections}`, `-m${STREAMS}`];
  const args = [...duration, ...headers.flatMap((header) => ['-H', header]), ...more, urlOf(target)];
  return parse(await runPinned(core, 'h2load', args), target.seconds);
}

/** GETs. */
export const h2load: Load = { missing, run: (core, target) => run(core, target, REQUEST_HEADERS, []) };

/** A message of 32 octets after the five octets of its prefix. */
function grpcMessage(folder: string): string {
  const file = path.join(folder, 'message');
  writeFileSync(file, Buffer.from(`\0\0\0\0\x20${'m'.repeat(32)}`, 'latin1'));
  return file;
}

/** Unary calls. h2load checks only HTTP statuses; the origin answers all calls in the same way. */
export const grpcLoad: Load = {
  missing,
  run: (core, target) =>
    run(core, target, ['content-type: application/grpc', 'te: trailers', 'grpc-accept-encoding: gzip'], ['-d', grpcMessage(target.folder)]),
};

function parse(report: string, seconds: number): LoadResult {
  const total = /(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(report);
  const statuses = /status codes: (\d+) 2xx/.exec(report);
  if (total === null || statuses === null) throw new Error(`h2load reported nothing:\n${report}`);
  const [succeeded = 0, ...failures] = total.slice(1).map(Number);
  // The count of statuses may include answers that were incomplete at the end.
  const errors = failures.reduce((sum, count) => sum + count, 0) + Math.max(0, succeeded - Number(statuses[1]));
  return { requests: succeeded, seconds, p50: Number.NaN, p99: Number.NaN, errors };
}
