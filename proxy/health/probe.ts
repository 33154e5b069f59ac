// One probe: opens a connection, runs the check on it, and closes it, in every case within the timeout.
import type net from 'node:net';
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { HealthCheck, ProbeTarget } from '../exchange/probe-target.ts';
import { connect } from './connect.ts';
import type { Alpn, Stage } from './connect.ts';
import { probeGrpc } from './grpc-probe.ts';
import { probeHttp1 } from './http1-probe.ts';
import { probeHttp2 } from './http2-probe.ts';
import { failureOf } from './outcome.ts';
import type { ProbeOutcome, Settle } from './outcome.ts';
import { probeTcp } from './tcp-probe.ts';

const PENDING: Readonly<Record<Stage, string>> = {
  connecting: 'no connection',
  handshake: 'no handshake',
  open: 'no complete answer',
};

/** Ends a probe early: its connection is closed, and it has no outcome. */
export type CancelProbe = () => void;

/** Starts a probe. `ended` gets its outcome, once. */
export function startProbe(target: ProbeTarget, wheel: TimerWheel, ended: (outcome: ProbeOutcome) => void): CancelProbe {
  const { request, pace } = target.check;
  let socket: net.Socket | null = null;
  let over = false;
  const close = (): boolean => {
    if (over) return false;
    over = true;
    wheel.disarm(timer);
    socket?.destroy();
    return true;
  };
  const settle: Settle = (outcome) => void (close() && ended(outcome));
  const timer = new Timer(() => settle({ fault: 'timeout', detail: `${PENDING[opening?.stage() ?? 'connecting']} in ${pace.timeout} ms` }));
  wheel.arm(timer, pace.timeout);
  const opening = connect({ target, alpn: alpnOf(request), settle, opened: (open) => attempt(() => run(target, open, settle), settle) });
  socket = opening?.socket ?? null;
  return () => void close();
}

/** A check that cannot be made fails, and no exception reaches the event loop. */
function attempt(work: () => void, settle: Settle): void {
  try {
    work();
  } catch (error) {
    settle({ fault: 'malformed', detail: error instanceof Error ? error.message : String(error) });
  }
}

function run(target: ProbeTarget, socket: net.Socket, settle: Settle): void {
  socket.on('error', (error) => settle(failureOf(error)));
  socket.once('close', () => settle({ fault: 'closed', detail: 'the connection was closed' }));
  const { request } = target.check;
  switch (request.type) {
    case 'http':
      return (request.protocol === 'http2' ? probeHttp2 : probeHttp1)(target, request, socket, settle);
    case 'grpc':
      return probeGrpc(target, request, socket, settle);
    case 'tcp':
      return probeTcp(target, request, socket, settle);
  }
}

function alpnOf(request: HealthCheck['request']): Alpn {
  if (request.type === 'tcp') return null;
  return request.type === 'http' && request.protocol === 'http1' ? 'http/1.1' : 'h2';
}
