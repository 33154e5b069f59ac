// The leader's end of the relay: takes the events of other controllers' proxies as if they were its own.
import { status } from '@grpc/grpc-js';
import type { sendUnaryData, ServerReadableStream } from '@grpc/grpc-js';
import { isResourceKind } from '#api/wire/decode.ts';
import type { SessionEvent } from '#api/wire/relay.ts';
import { Faults } from '#lib/faults.ts';
import type { Guard } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import type { PushObserver } from '../push/observer.ts';

/** The stream of another controller. */
export type ReportStream = ServerReadableStream<SessionEvent, object>;
type End = sendUnaryData<object>;

/** Maximum number of proxies per controller; more than a push server accepts. */
const MAX_SESSIONS = 20_000;

export class Receiver {
  readonly #observer: PushObserver;
  readonly #log: Log;
  readonly #guard: Guard;
  readonly #streams = new Map<ReportStream, Report>();
  #leading = false;
  #count = 0;

  constructor(observer: PushObserver, log: Log, guard: Guard = new Faults(log)) {
    this.#observer = observer;
    this.#log = log;
    this.#guard = guard;
  }

  /** Sets whether this controller leads. Otherwise it refuses reports. */
  lead(leading: boolean): void {
    this.#leading = leading;
    if (leading) return;
    for (const report of this.#streams.values()) report.end('no longer the leader');
  }

  /** Accepts the stream of an authenticated controller. */
  accept(stream: ReportStream, end: End): void {
    stream.on('error', () => undefined);
    if (!this.#leading) return end({ code: status.FAILED_PRECONDITION, details: 'not the leader' });
    const address = stream.getPeer();
    const close = (): void => {
      if (!this.#streams.delete(stream)) return;
      report.close();
      this.#log.info({ address }, 'another controller no longer reports');
    };
    const report = new Report(`controller-${++this.#count}`, this.#observer, (details) => {
      close();
      end({ code: status.ABORTED, details });
    });
    this.#streams.set(stream, report);
    this.#log.info({ address }, 'another controller reports what its proxies serve');
    stream.on('data', (event: SessionEvent) => {
      // The sender repeats the whole state on its next stream.
      if (!this.#guard.guard('receiver', () => report.take(event), { address })) report.end('a bug');
    });
    for (const over of ['end', 'cancelled', 'close']) stream.on(over, close);
  }
}

/** The state that one controller has reported. */
class Report {
  readonly #name: string;
  readonly #observer: PushObserver;
  readonly #sessions = new Set<string>();
  readonly end: (reason: string) => void;

  constructor(name: string, observer: PushObserver, end: (reason: string) => void) {
    this.#name = name;
    this.#observer = observer;
    this.end = end;
  }

  take(event: SessionEvent): void {
    const session = `${this.#name}/${event.session}`;
    if (event.event === 'connected') return this.#connected(session, event.connected.scope);
    // Ignores events of unknown sessions.
    if (!this.#sessions.has(session)) return;
    switch (event.event) {
      case 'disconnected':
        this.#sessions.delete(session);
        return this.#observer.disconnected(session);
      case 'acked': {
        const { kind, key, version } = event.acked;
        // A controller of another version may know kinds that this one does not.
        return isResourceKind(kind) ? this.#observer.acked(session, kind, key, version) : undefined;
      }
      case 'nacked': {
        const { kind, key, version, errors } = event.nacked;
        return isResourceKind(kind) ? this.#observer.nacked(session, kind, key, { version, errors }) : undefined;
      }
    }
  }

  /** Disconnects the proxies of this controller, until they or the controller reconnect. */
  close(): void {
    for (const session of this.#sessions) this.#observer.disconnected(session);
    this.#sessions.clear();
  }

  #connected(session: string, scope: string): void {
    if (this.#sessions.has(session)) return;
    if (this.#sessions.size >= MAX_SESSIONS) return this.end('too many proxies');
    this.#sessions.add(session);
    this.#observer.connected(session, scope);
  }
}
