// A CPU profile of this process, as the developer tools of browsers read it (.cpuprofile).
import { Session } from 'node:inspector/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { ok, type Result } from '../result.ts';
import { sendParts } from './parts.ts';
import type { FileWay } from './parts.ts';

/** Microseconds between two samples: a minute has 60,000, which cost the process a few percent of its time. */
const SAMPLING_INTERVAL = 1_000;

/** Samples the process for a time in milliseconds, then sends the profile. */
export async function takeCpuProfile(durationMs: number, way: FileWay): Promise<Result<void>> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL });
    await session.post('Profiler.start');
    await wait(durationMs, undefined, { signal: way.signal }).catch(() => undefined);
    const { profile } = await session.post('Profiler.stop');
    await sendParts([Buffer.from(JSON.stringify(profile))], way);
    return ok(undefined);
  } finally {
    session.disconnect();
  }
}
