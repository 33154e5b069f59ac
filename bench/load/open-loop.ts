// A load with a fixed rate: requests start when they are due, whether or not earlier ones have been answered, as those of many independent
// users. Latencies count from the time at which a request was due, so that a stalled proxy does not hide them.
import path from 'node:path';
import { runPinned } from './load.ts';

/** The load. */
export interface OpenLoop {
  readonly port: number;
  readonly path: string;
  /** Requests per second, evenly spaced, and for how long. */
  readonly rate: number;
  readonly seconds: number;
  /** Every so many requests is critical. */
  readonly criticalEvery: number;
  /** An answer after more milliseconds is no use to anyone. */
  readonly patience: number;
}

/** The fates of the requests of one priority. */
export interface OpenLoopClass {
  readonly due: number;
  /** Answered with 200 in time. */
  readonly good: number;
  /** Answered with 200 too late. */
  readonly late: number;
  /** Answered with another status, or cut. */
  readonly refused: number;
  /** Not answered at the end of the patience. */
  readonly open: number;
  /** Milliseconds, of all answers with 200. */
  readonly p50: number;
  readonly p99: number;
}

export interface OpenLoopResult {
  readonly critical: OpenLoopClass;
  readonly other: OpenLoopClass;
}

/** Runs the load pinned to a core. */
export async function runOpenLoop(core: number, load: OpenLoop): Promise<OpenLoopResult> {
  const file = path.resolve(import.meta.dirname, 'open-loop-main.ts');
  return JSON.parse(await runPinned(core, process.execPath, [file, JSON.stringify(load)])) as OpenLoopResult;
}
