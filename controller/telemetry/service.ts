// The gRPC service for telemetry streams, on the port of the push server: hands each admitted proxy to the hub.
import { Metadata, status } from '@grpc/grpc-js';
import { TELEMETRY } from '#api/wire/telemetry.ts';
import type { ReportedStream } from '#api/wire/telemetry.ts';
import type { FromProxy } from '#api/wire/telemetry-messages.ts';
import type { Guard } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import type { ProxyService } from '../push/server.ts';
import type { TelemetryHub } from './hub.ts';
import type { EndCode, ProxyPeer } from './proxy-stream.ts';

/** Streams at once. */
const MAX_STREAMS = 10_000;
/** Messages that wait for a proxy that reads nothing. A message to a proxy is small. */
const MAX_UNREAD = 1_000;

const CODES: Readonly<Record<EndCode, status>> = {
  invalid: status.INVALID_ARGUMENT,
  exhausted: status.RESOURCE_EXHAUSTED,
  stopping: status.UNAVAILABLE,
  bug: status.INTERNAL,
};

/** The service for a push server. */
export function telemetryService(hub: TelemetryHub, guard: Guard, log: Log): ProxyService {
  const streams = new Set<ReportedStream>();
  const refuse = (stream: ReportedStream, code: status, details: string): void => {
    // A controller that stops ends the streams of all proxies.
    if (code !== status.UNAVAILABLE) log.warn({ address: stream.getPeer(), reason: details }, 'a telemetry stream is refused');
    stream.emit('error', { code, details });
  };
  return {
    definition: TELEMETRY,
    handlers: (admit) => ({
      Report(stream: ReportedStream): void {
        stream.on('error', () => undefined);
        const admitted = admit(stream);
        if (!admitted.ok) return refuse(stream, status.PERMISSION_DENIED, admitted.error);
        if (streams.size >= MAX_STREAMS) return refuse(stream, status.RESOURCE_EXHAUSTED, 'too many proxies');
        streams.add(stream);
        stream.sendMetadata(new Metadata());
        const { scope, address } = admitted.value;
        const peer: ProxyPeer = {
          scope,
          address,
          // A proxy that does not read its commands gets no more.
          send: (message) => void (stream.writableLength < MAX_UNREAD && stream.write(message)),
          end: (code, reason) => refuse(stream, CODES[code], reason),
        };
        join(stream, hub, { peer, guard, left: () => streams.delete(stream) });
      },
    }),
  };
}

interface Joining {
  readonly peer: ProxyPeer;
  readonly guard: Guard;
  readonly left: () => void;
}

function join(stream: ReportedStream, hub: TelemetryHub, { peer, guard, left }: Joining): void {
  const accepted = hub.accept(peer);
  const take = (message: FromProxy): void => {
    const isSound = guard.guard('telemetry', () => {
      const taken = accepted.receive(message);
      if (taken === undefined) return;
      // The reader of a command's result is slower than the proxy.
      stream.pause();
      void taken.finally(() => stream.resume());
    });
    if (!isSound) peer.end('bug', 'a bug in the controller');
  };
  const close = (): void => {
    left();
    accepted.close();
  };
  stream.on('data', take);
  stream.on('cancelled', close);
  stream.on('close', close);
  stream.on('end', () => {
    close();
    stream.end();
  });
}
