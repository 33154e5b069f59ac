// The options of a worker.
import type { AddressRange } from '#lib/address-range.ts';
import type { Ask as AskForShare } from '#lib/limit/share.ts';
import type { LendingStore, LimitStore } from '#lib/limit/store.ts';
import type { Log } from '#lib/log.ts';
import type { OtlpSettings } from '#lib/otlp/settings.ts';
import type { RedisSettings } from '#lib/redis.ts';
import type { Limits } from './exchange/limits.ts';
import type { Notice } from './exchange/notices.ts';
import type { TracingSettings } from './exchange/tracing.ts';
import type { ClaimPort } from './exchange/port-claim.ts';
import type { ReplayQuestion } from './exchange/worker-replays.ts';
import type { FilterKind } from './filter/filter.ts';
import type { TopicAsk } from './hub/supervised-topics.ts';
import type { KeyAsk } from './idempotency/memory-store.ts';
import type { DocumentTimes } from './outside/documents.ts';
import type { Signal } from './overload/signal.ts';
import type { AccessLogSettings } from './telemetry/access-log/access-log.ts';

export interface WorkerOptions {
  readonly limits: Limits;
  /** `off`, `stdout` or a file. */
  readonly accessLog: string;
  /** The default is JSON with the default fields. */
  readonly accessLogSettings?: AccessLogSettings;
  /** `off`, the default, `stdout` or a file. */
  readonly securityLog?: string;
  /** The name of the proxy in Via; '' (the default) for no Via. */
  readonly via?: string;
  /** The zone of the proxy; '' is unknown. */
  readonly zone?: string;
  /** Several workers share the ports and standard output. */
  readonly reusePort: boolean;
  /** The number of workers of the proxy, which share its limits; 1 by default. */
  readonly workers?: number;
  /** Called before a port is bound; by default all ports may be bound. */
  readonly claimPort?: ClaimPort;
  /** The address of listeners without an address; all addresses by default. */
  readonly bindAddress?: string;
  /** The key for session tickets, 48 bytes; random by default. */
  readonly ticketKeys?: Buffer;
  /** The time for open connections of a closed port, milliseconds. */
  readonly drainTimeout: number;
  /** Maps the port of a listener to the port to bind; tests return 0 for a free port. */
  readonly bindPort?: (port: number) => number;
  /** The set of ports that cannot be bound has changed: see `bindingState`. */
  readonly bindingsChanged?: () => void;
  /** Takes a notice to the supervisor and the other workers; there are none by default. */
  readonly publish?: (notice: Notice) => void;
  /** Asks the supervisor for shares of limits; by default this worker is the only one. */
  readonly borrow?: (store: LendingStore, asks: readonly AskForShare[]) => void;
  /** Asks the supervisor about a signature that counts once; by default this worker is the only one. */
  readonly remember?: (question: ReplayQuestion) => void;
  /** Asks the supervisor, which has the topics of hubs; by default this worker is the only one. */
  readonly askTopics?: (ask: TopicAsk) => void;
  /** Asks the supervisor, which has the idempotency keys; by default this worker is the only one. */
  readonly askKeys?: (ask: KeyAsk) => void;
  /** Limits of the fleet, if this worker is the only one; without it they are those of this proxy. */
  readonly lease?: LimitStore;
  /** Null, the default: there is no Redis. */
  readonly redis?: RedisSettings | null;
  /** Null, the default: nothing goes to an OpenTelemetry collector. */
  readonly otlp?: OtlpSettings | null;
  /** Of requests without a policy; without it the defaults of the flags. */
  readonly tracing?: TracingSettings;
  /** Addresses of services by URL that are permitted although they lead to the machine itself; none by default. */
  readonly allowedServices?: readonly AddressRange[];
  /** When documents of services are loaded; for tests. */
  readonly documentTimes?: DocumentTimes;
  /** The signs of overload; by default those that the limits turn on. */
  readonly overloadSignals?: readonly Signal[];
  /** The kinds of filters in their order; all by default. */
  readonly filterKinds?: readonly FilterKind[];
  /** Logs events besides requests; nothing is logged without it. */
  readonly log?: Log;
}
