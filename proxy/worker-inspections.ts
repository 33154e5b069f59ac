// The inspections of a worker by their kind.
import { purgeCache } from './cache-purge.ts';
import { warmCache } from './cache-warming.ts';
import type { SharedCache } from './cache/shared-cache.ts';
import { inspectChain } from './chain-inspection.ts';
import { inspectConnections } from './connection-inspection.ts';
import type { ExchangeError } from './exchange/errors.ts';
import type { Exchange } from './exchange/exchange.ts';
import type { GrpcMethodCounts } from './exchange/grpc-method-counts.ts';
import type { OpenConnections } from './exchange/open-connections.ts';
import type { Outside } from './exchange/outside.ts';
import type { Ask } from './exchange/subrequest.ts';
import { inspectMethods } from './grpc-methods.ts';
import type {
  CachePurgeInspection,
  CacheWarmInspection,
  Inspected,
  Inspecting,
  Inspection,
  PluginsInspection,
  PublishTopicInspection,
  RecentRequestsInspection,
  StoredAnswersInspection,
} from './inspection/inspection.ts';
import { inspectProcess } from './inspection/process.ts';
import { inspectLimits } from './limit-inspection.ts';
import type { WorkerLimits } from './limit/worker-limits.ts';
import { inspectPlugins } from './plugin-inspection.ts';
import type { WorkerPlugins } from './plugin/worker-plugins.ts';
import type { RuntimeBuilder } from './runtime/build.ts';
import type { OwnRequests } from './own-requests.ts';
import { listRecent } from './recent-requests.ts';
import type { PortProtocol } from './listener/protocol.ts';
import { listAnswers } from './stored-answers.ts';
import type { Topics } from './exchange/topics.ts';
import { publishTopic } from './topic-commands.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

/** The parts of a worker that inspections look at. */
export interface InspectedParts {
  readonly telemetry: Telemetry;
  readonly limits: WorkerLimits;
  readonly cache: SharedCache;
  readonly connections: OpenConnections;
  readonly builder: RuntimeBuilder;
  readonly ask: Ask;
  readonly outside: Outside;
  readonly grpcMethods: GrpcMethodCounts;
  readonly topics: Topics;
  readonly plugins: Pick<WorkerPlugins, 'lines'>;
  readonly requests: OwnRequests;
  /** The protocol in use on a port, or null. */
  readonly spokenAt: (port: number) => PortProtocol | null;
  /** Ends an exchange. */
  readonly end: (exchange: Exchange, error: ExchangeError) => void;
}

/** Runs an inspection to its end. */
export function inspectWorker(inspection: Inspection, inspecting: Inspecting, parts: InspectedParts): Promise<Inspected> {
  const { telemetry, limits, connections, builder, ask, outside, grpcMethods, end } = parts;
  const { security } = telemetry;
  switch (inspection.kind) {
    case 'tail':
      return telemetry.tail(inspection, inspecting);
    case 'limits':
    case 'limitReset':
      return inspectLimits(inspection, inspecting, limits, security);
    case 'connections':
    case 'closeConnections':
      return inspectConnections(inspection, inspecting, { connections, security, end });
    case 'grpcMethods':
      return inspectMethods(inspection, inspecting, { ask, outside, counts: grpcMethods, hasBackend: (key) => builder.clusters.has(key) });
    case 'chain':
      return inspectChain(inspection, inspecting, builder);
    case 'cpuProfile':
    case 'heapSnapshot':
      return inspectProcess(inspection, inspecting);
    default:
      return inspectKept(inspection, inspecting, parts);
  }
}

/** What the worker keeps of requests and answers, its plugins, and the messages of topics. */
function inspectKept(
  inspection:
    | RecentRequestsInspection
    | CachePurgeInspection
    | CacheWarmInspection
    | StoredAnswersInspection
    | PublishTopicInspection
    | PluginsInspection,
  inspecting: Inspecting,
  parts: InspectedParts,
): Promise<Inspected> {
  switch (inspection.kind) {
    case 'recentRequests':
      return listRecent(inspection, inspecting, parts.telemetry.recent);
    case 'cachePurge':
      return purgeCache(inspection, inspecting, parts.cache);
    case 'cacheWarm':
      return warmCache(inspection, inspecting, parts);
    case 'plugins':
      return inspectPlugins(inspecting, parts.plugins);
    case 'publishTopic':
      return publishTopic(inspection, inspecting, parts.topics);
    case 'storedAnswers':
      return listAnswers(inspection, inspecting, parts.cache);
  }
}
