import { afterEach, describe, expect, test } from '@jest/globals';
import { createLog } from '../log.ts';
import type { Occupation } from './occupation.ts';
import { occupying, takeLongest } from './occupation.ts';
import { STALL_CAUSES, StallWatch } from './stall-watch.ts';

const lines: string[] = [];
const log = createLog('info', { write: (line) => void lines.push(line) });
let watch: StallWatch | null = null;
let [now, cpu] = [0, 0];
let longest: Occupation | null = null;

afterEach(() => {
  watch?.stop();
  lines.length = 0;
});

function start(stallMs?: number): StallWatch {
  const sources = { now: () => now, cpu: () => cpu, longest: () => longest };
  return (watch = new StallWatch({ log, labels: { process: 'worker-1' }, sources, ...(stallMs === undefined ? {} : { stallMs }) }));
}

/** The time of a turn, with this CPU time in it. */
function pass(watched: StallWatch, ms: number, cpuMs: number, operation: Occupation | null = null): void {
  now += ms;
  cpu += cpuMs;
  longest = operation;
  watched.check();
}

function counted(watched: StallWatch, family: 0 | 1): Readonly<Record<string, number>> {
  const samples = watched.families()[family]?.read() ?? [];
  expect(samples.map(({ labels }) => labels)).toEqual(STALL_CAUSES.map((cause) => ({ process: 'worker-1', cause })));
  return Object.fromEntries(samples.filter(({ value }) => value > 0).map(({ labels, value }) => [labels['cause'], value]));
}

describe('a stall', () => {
  test.each<[string, number, Occupation | null]>([
    ['compile', 1_900, { operation: 'compile', ms: 1_500 }],
    ['other', 1_900, { operation: 'compile', ms: 300 }],
    ['other', 1_900, null],
    ['not_running', 20, null],
    ['not_running', 20, { operation: 'compile', ms: 2_000 }],
  ])('has the cause %s with %i ms of CPU and %j', (cause, cpuMs, operation) => {
    const watched = start();
    pass(watched, 2_100, cpuMs, operation);
    expect([counted(watched, 0), counted(watched, 1)]).toEqual([{ [cause]: 1 }, { [cause]: 2 }]);
    const [line] = lines.map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(line).toMatchObject({ level: 'warn', event: 'event_loop_stalled', process: 'worker-1', cause, durationMs: 2_000, cpuMs });
    expect([line?.['operation'], line?.['operationMs']]).toEqual([operation?.operation, operation?.ms]);
  });

  test('begins at a second', () => {
    const watched = start();
    pass(watched, 100, 100);
    pass(watched, 1_099, 1_099, { operation: 'files', ms: 1_000 });
    expect([counted(watched, 0), lines]).toEqual([{}, []]);
  });

  test.each([
    [300, 1],
    [3_000, 0],
    [0, 0],
  ])('begins at a limit of %i ms, and never at 0', (limit, stalls) => {
    const watched = start(limit);
    pass(watched, 1_100, 1_100);
    expect([counted(watched, 0), lines.length]).toEqual([stalls === 0 ? {} : { other: stalls }, stalls]);
  });

  test('has a line at most once a minute, which counts those before it', () => {
    const watched = start();
    for (let i = 0; i < 5; i++) pass(watched, 1_200, 1_200);
    pass(watched, 60_000, 60_000);
    expect(lines.map((text) => (JSON.parse(text) as { untold: number }).untold)).toEqual([0, 4]);
    expect(counted(watched, 0)).toEqual({ other: 6 });
  });
});

describe('work', () => {
  test('is noted with its time, also if it throws, and the longest counts', () => {
    takeLongest();
    expect(occupying('files', () => 7)).toBe(7);
    expect(() => occupying('compile', () => busy(5))).toThrow('broken');
    expect(takeLongest()).toEqual({ operation: 'compile', ms: expect.any(Number) });
    expect(takeLongest()).toBeNull();
  });

  test('is named by the line of a real stall', async () => {
    watch = new StallWatch({ log });
    expect(() => occupying('compile', () => busy(1_300))).toThrow('broken');
    while (lines.length === 0) await new Promise(setImmediate);
    const { cause, operation, operationMs, durationMs } = JSON.parse(lines[0] as string) as Record<string, number | string>;
    // On a busy machine the process had less CPU than half of the time.
    expect(['compile', 'not_running']).toContain(cause);
    expect([operation, Number(operationMs) >= 1_300, Number(durationMs) >= 1_000]).toEqual(['compile', true, true]);
  });
});

/** Uses the CPU for a time. */
function busy(ms: number): never {
  const { user } = process.threadCpuUsage();
  while (process.threadCpuUsage().user - user < ms * 1_000);
  throw new Error('broken');
}
