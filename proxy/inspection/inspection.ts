// An inspection of a worker or the supervisor that an operator asks for: its result leaves the process in parts while it runs.
import type { LogFilter } from '#api/access-log/filter.ts';
import type { ConnectionFilter } from '#api/wire/open-connections.ts';
import type { AnswerFilter } from '#api/wire/stored-answers.ts';
import type { PublishTopicMessage, WarmCacheMessage } from '#api/wire/telemetry-messages.ts';
import type { LimitListing, LimitReset } from '#lib/limit/listing.ts';
import type { Result } from '#lib/result.ts';

/** What to inspect. Plain data: it goes to workers as a message. */
export type Inspection =
  | TailInspection
  | RecentRequestsInspection
  | ProcessInspection
  | LimitsInspection
  | LimitResetInspection
  | ChainInspection
  | CachePurgeInspection
  | StoredAnswersInspection
  | CacheWarmInspection
  | ConnectionsInspection
  | CloseConnectionsInspection
  | GrpcMethodsInspection
  | PublishTopicInspection
  | PluginsInspection;

/** Lines of the access log, until it is ended. */
export interface TailInspection {
  readonly kind: 'tail';
  readonly filter: LogFilter;
  /** The most lines per second. */
  readonly rate: number;
}

/** Lines of requests that ended lately, as lines of JSON (RecentLine), the latest first. `dropped`: those without room. */
export interface RecentRequestsInspection {
  readonly kind: 'recentRequests';
  readonly filter: LogFilter;
  /** How long ago they may have ended, milliseconds. */
  readonly ageMs: number;
  /** Of a request or its trace; '' for all. */
  readonly id: string;
  readonly top: number;
}

/** Keys of limits that the worker has, as lines of JSON (KeyState). `dropped`: those without room. */
export interface LimitsInspection {
  readonly kind: 'limits';
  readonly listing: LimitListing;
}

/** Forgets keys of a limit, and sends a line with their number. */
export interface LimitResetInspection {
  readonly kind: 'limitReset';
  readonly reset: LimitReset;
  /** `<namespace>/<policy>/<limit>`. */
  readonly limit: string;
  /** One worker tells the event, and asks Redis about all keys. */
  readonly isFirst: boolean;
}

/** Drops stored answers, and sends a line with their number. */
export interface CachePurgeInspection {
  readonly kind: 'cachePurge';
  readonly by: 'url' | 'prefix' | 'tag' | 'all';
  /** '' for all. */
  readonly value: string;
  /** One worker also drops those in Redis. */
  readonly isFirst: boolean;
}

/** The largest stored answers that a filter fits, as lines of JSON (AnswerLine). `dropped`: those without room. */
export interface StoredAnswersInspection {
  readonly kind: 'storedAnswers';
  readonly filter: AnswerFilter;
  readonly top: number;
}

/** Requests URLs so that their answers are stored, and sends a line about each (WarmLine). */
export interface CacheWarmInspection extends WarmCacheMessage {
  readonly kind: 'cacheWarm';
}

/** The oldest open connections that a filter fits, as lines of JSON (ConnectionLine). `dropped`: those without room. */
export interface ConnectionsInspection {
  readonly kind: 'connections';
  readonly filter: ConnectionFilter;
  readonly top: number;
}

/** Closes connections, and sends a line with their number. */
export interface CloseConnectionsInspection {
  readonly kind: 'closeConnections';
  readonly filter: ConnectionFilter;
  /** Of the close frames of WebSockets. */
  readonly code: number;
  readonly reason: string;
}

/** The plugins of the worker, as lines of JSON (PluginLine). */
export interface PluginsInspection {
  readonly kind: 'plugins';
}

/** Publishes a message in a topic, and sends a line with its id. */
export interface PublishTopicInspection extends PublishTopicMessage {
  readonly kind: 'publishTopic';
}

/** Methods of gRPC services, as lines of JSON (MethodLine). */
export interface GrpcMethodsInspection {
  readonly kind: 'grpcMethods';
  /** The key of its cluster; '': the methods that were counted. */
  readonly backend: string;
  /** This worker asks the backend for its methods. */
  readonly asks: boolean;
}

/** What the parts of the chain of a rule (key) cost, as lines of JSON (PartCost), measured for so many requests or until it is ended. */
export interface ChainInspection {
  readonly kind: 'chain';
  readonly route: string;
  readonly requests: number;
}

/** A file about the whole process. */
export type ProcessInspection = { readonly kind: 'cpuProfile'; readonly durationMs: number } | { readonly kind: 'heapSnapshot' };

/** What a running inspection uses. */
export interface Inspecting {
  /** Takes a part of the result, at most PART_BYTES. The inspection sends the next part after it resolves. */
  readonly part: (data: Buffer) => Promise<void>;
  /** The inspection is to end. */
  readonly signal: AbortSignal;
}

/** The end of an inspection: lines that were left out, or why there is no result. */
export type Inspected = Result<{ readonly dropped: number }>;

/** The largest part. A message to a controller may have more. */
export const PART_BYTES = 32 * 1_024;
