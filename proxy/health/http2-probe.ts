// The HTTP check with HTTP/2.
import type net from 'node:net';
import type { HttpCheck, ProbeTarget } from '../exchange/probe-target.ts';
import { authorityOf, headersOf, HttpAnswer } from './http-answer.ts';
import { callHttp2 } from './http2-call.ts';
import type { Settle } from './outcome.ts';

/** Probes an open connection. */
export function probeHttp2(target: ProbeTarget, check: HttpCheck, socket: net.Socket, settle: Settle): void {
  const answer = new HttpAnswer(check, settle);
  const headers = {
    ':method': check.method,
    ':path': check.path,
    ':scheme': target.tls === null ? 'http' : 'https',
    ':authority': authorityOf(target, check.host),
    ...byName(headersOf(check)),
  };
  callHttp2(socket, headers, null, [
    {
      head: (_, status) => answer.status(status),
      data: (chunk) => answer.data(chunk),
      trailers: () => undefined,
      end: () => answer.end(),
    },
    settle,
  ]);
}

/** A name with several values has a list of them. */
function byName(headers: readonly (readonly [string, string])[]): Record<string, string[]> {
  const values = Map.groupBy(headers, ([name]) => name);
  return Object.fromEntries([...values].map(([name, pairs]) => [name, pairs.map(([, value]) => value)]));
}
