// wrk over keep-alive connections, with a parser for its report.
import { existsSync } from 'node:fs';
import { REQUEST_HEADERS, runPinned, urlOf } from './load.ts';
import type { Load, LoadResult } from './load.ts';

/** With more headers, and with a script of Lua that makes the requests. */
export function wrkWith(more: readonly string[], script = ''): Load {
  const headers = [...REQUEST_HEADERS, ...more].flatMap((header) => ['-H', header]);
  const scripted = script === '' ? [] : ['-s', script];
  return {
    missing: () => (existsSync('/usr/bin/wrk') ? null : 'apt-get install wrk'),
    async run(core, target) {
      const args = ['-t1', `-c${target.connections}`, `-d${target.seconds}`, '--latency', ...headers, ...scripted, urlOf(target)];
      return parse(await runPinned(core, 'wrk', args));
    },
  };
}

export const wrk = wrkWith([]);

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
