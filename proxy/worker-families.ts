// The metrics of a worker: those of its telemetry, of its connections, and of its other parts.
import type { MetricFamily } from '#lib/metric.ts';
import type { ConnectionFailure } from './codec/h2/connection-failures.ts';
import type { FloodCounts } from './codec/h2/floods.ts';
import type { Bugs } from './exchange/bugs.ts';
import type { RefusedConnections } from './exchange/refused-connections.ts';
import { limitFamilies } from './limit/limit-metrics.ts';
import type { WorkerLimits } from './limit/worker-limits.ts';
import type { ListenerSockets } from './listener/listener-sockets.ts';
import type { Shedding } from './overload/shedding.ts';
import type { RuntimeBuilder } from './runtime/build.ts';
import type { Telemetry } from './telemetry/telemetry.ts';
import { upstreamFamilies } from './telemetry/upstream-metrics.ts';
import { workerFamilies } from './telemetry/worker-metrics.ts';
import type { Gathering } from './upstream/gathering.ts';
import type { Mirror } from './upstream/mirror.ts';

/** The parts of a worker that metrics are read from. */
export interface MeasuredParts {
  readonly telemetry: Telemetry;
  readonly listeners: ListenerSockets;
  readonly floods: FloodCounts;
  readonly failures: RefusedConnections<ConnectionFailure>;
  readonly shedding: Shedding;
  readonly gathering: Gathering;
  readonly bugs: Bugs;
  readonly mirror: Mirror;
  readonly limits: WorkerLimits;
  readonly builder: RuntimeBuilder;
  readonly acceptFailures: () => number;
  /** Parts with families of their own. */
  readonly others: readonly { families(): readonly MetricFamily[] }[];
}

/** All families of a worker. A scrape reads the parts. */
export function familiesOf(parts: MeasuredParts): readonly MetricFamily[] {
  const { telemetry, limits, builder, others } = parts;
  return [
    ...telemetry.families(),
    ...connectionFamilies(parts),
    ...limitFamilies(limits),
    ...others.flatMap((part) => part.families()),
    ...upstreamFamilies({ counts: () => telemetry.upstreams, backends: () => builder.clusters.values() }),
  ];
}

function connectionFamilies(parts: MeasuredParts): readonly MetricFamily[] {
  const { listeners, floods, failures, shedding, gathering, bugs, mirror, telemetry } = parts;
  return workerFamilies({
    unbound: () => listeners.bindingState.unbound.length,
    downstream: () => listeners.counts,
    blocked: () => listeners.blocked,
    acceptFailures: parts.acceptFailures,
    floods: () => floods.byReason,
    connectionFailures: () => failures.failures,
    proxyHeaderFailures: () => listeners.proxyHeaderFailures,
    ocsp: () => listeners.ocsp,
    handshakes: () => listeners.handshakes,
    shed: () => shedding.counts,
    overload: () => shedding.severities,
    gathered: () => gathering.held,
    bugs: () => bugs.byPlace,
    mirrorDrops: () => mirror.dropped,
    accessLogDrops: () => telemetry.accessLog.dropped,
    syslogDrops: () => telemetry.accessLog.syslogDropped,
  });
}
