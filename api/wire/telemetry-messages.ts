// The messages of api/proto/telemetry.proto in the form of the loader. A peer of another version may omit fields and use other words.
import type { Ask, Lend } from '#lib/limit/share.ts';
import type { ErrorEntry } from './error-entry.ts';
import type { ConnectionFilter } from './open-connections.ts';
import type { AnswerFilter } from './stored-answers.ts';

/** A count by code. */
export interface CountMessage {
  readonly code: string;
  readonly count: number;
}

/** Durations in the buckets of lib/histogram.ts. `buckets` is empty if nothing was counted. */
export interface DurationsMessage {
  readonly buckets: readonly number[];
  readonly sumMs: number;
}

export interface TelemetryHello {
  readonly nodeId: string;
  readonly weirVersion: string;
  /** Random, one for each start of the proxy. */
  readonly instance: string;
  readonly workers: number;
  /** The names of the commands that the proxy knows. */
  readonly commands: readonly string[];
  /** The report that no controller has confirmed; 0 or absent: none. */
  readonly unconfirmed?: number;
}

/** Values of the proxy as a whole. */
export interface GaugesMessage {
  /** Resident memory of all processes, bytes. */
  readonly memory: number;
  /** The 99th percentile of the event loop's lag in the slowest process. */
  readonly lagMs: number;
  readonly connections: number;
  readonly requests: number;
  /** Workers that serve. */
  readonly workers: number;
  readonly draining: boolean;
  readonly uptimeMs: number;
}

export interface BackendEntry {
  /** Key of the cluster, or `other`. */
  readonly backend: string;
  readonly firstByte: DurationsMessage | null;
  /** The state of its breaker; '' without one. */
  readonly breaker: string;
}

/** A reason why a proxy does not choose an endpoint. */
export interface EndpointState {
  readonly reason: string;
  readonly ageMs: number;
}

export interface EndpointEntry {
  readonly backend: string;
  /** ADDRESS:PORT, or `other`. */
  readonly endpoint: string;
  readonly requests: number;
  readonly failures: readonly CountMessage[];
  /** Answers with a 5xx status. */
  readonly serverErrors: number;
  readonly connectFailures: number;
  readonly firstByteSumMs: number;
  readonly firstBytes: number;
  /** Times to the first byte: a packed lib/duration-sketch.ts. Absent or empty: of an earlier release. */
  readonly sketch?: Uint8Array;
}

/** The state of an address, which is the same for all backends with it. */
export interface AddressEntry {
  /** ADDRESS:PORT. */
  readonly endpoint: string;
  readonly inFlight: number;
  readonly connections: number;
  /** Empty if the proxy chooses the endpoint. */
  readonly states: readonly EndpointState[];
}

export interface RouteEntry {
  readonly route: string;
  readonly requests: number;
  /** Answers by class of status, 1xx to 5xx; empty if there are none. */
  readonly classes: readonly number[];
  readonly errors: readonly CountMessage[];
  readonly duration: DurationsMessage | null;
  /** Bytes of bodies. */
  readonly requestBytes?: number;
  readonly responseBytes?: number;
  /** The durations finer than in `duration`, as above. */
  readonly sketch?: Uint8Array;
}

/** What has changed. */
export interface Entries {
  readonly backends: readonly BackendEntry[];
  readonly endpoints: readonly EndpointEntry[];
  readonly routes: readonly RouteEntry[];
  readonly addresses: readonly AddressEntry[];
  /** Failures; absent: of an earlier release. */
  readonly errors?: readonly ErrorEntry[];
}

/** An entry that exists no more. */
export interface GoneEntry {
  readonly kind: string;
  /** Backend or route. */
  readonly name: string;
  readonly endpoint: string;
}

export interface ReportMessage extends Entries {
  readonly sequence: number;
  /** The controller forgets all entries of this proxy first. */
  readonly fresh: boolean;
  readonly revision: string;
  readonly gauges: GaugesMessage | null;
  readonly gone: readonly GoneEntry[];
  /** Changed entries for which this report had no room. */
  readonly waiting: number;
}

/** The end of a command. */
export type Outcome = 'done' | 'refused' | 'failed' | 'timedOut';

export interface AnswerMessage {
  readonly id: number;
  readonly outcome: string;
  readonly reason: string;
}

export interface ChunkMessage {
  readonly id: number;
  readonly data: Buffer;
}

/** An ask for units of a limit. */
export interface AskMessage extends Omit<Ask, 'terms'> {
  /** Of the terms. */
  readonly id: string;
  readonly algorithm: string;
  readonly limit: number;
  readonly periodMs: number;
  readonly burst: number;
  readonly unit: string;
}

/** The lender of limits of the fleet. */
export interface LendingMessage {
  /** '': there is none. */
  readonly lender: string;
  readonly borrowers: number;
  /** The proxies of the fleet that do not drain; 0 if the controller does not tell it. */
  readonly proxies: number;
}

/** `message` is the name of the member that is set; undefined if this version does not know it. */
export type FromProxy =
  | { readonly message: 'hello'; readonly hello: TelemetryHello }
  | { readonly message: 'report'; readonly report: ReportMessage }
  | { readonly message: 'chunk'; readonly chunk: ChunkMessage }
  | { readonly message: 'answer'; readonly answer: AnswerMessage }
  | { readonly message: 'asks'; readonly asks: { readonly asks: readonly AskMessage[] } }
  | { readonly message: 'blocked'; readonly blocked: { readonly blocks: readonly ThreatBlock[] } }
  | { readonly message?: undefined };

/** An endpoint or a breaker in a state that an operator has chosen, or a block of requests. */
export interface OverrideMessage {
  /** `endpoint`, `breaker` or `block`. */
  readonly kind: string;
  /** Key of a cluster; '' for an endpoint of any backend. */
  readonly backend: string;
  /** ADDRESS:PORT; '' for a breaker; what a block refuses, in the form of `lib/blocked-subject.ts`. */
  readonly endpoint: string;
  /** out, in, auto; open, close, auto; on, auto. */
  readonly state: string;
  /** Of a block: the words of the operator; absent: none. */
  readonly reason?: string;
  /** The end of a block, milliseconds since the epoch; 0 or absent: none. */
  readonly until?: number;
}

/** A block that threat detection has made, as operators see it. */
export interface DetectedBlock {
  /** An address, or of IPv6 the /64; `principal:ID` or `consumer:NAMESPACE/NAME`. */
  readonly source: string;
  /** `SecurityPolicy/<namespace>/<name>`. */
  readonly policy: string;
  /** The number that the source has reached. */
  readonly cause: string;
  /** All signs together, in percent of their numbers: at least 100. */
  readonly score: number;
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** The name of the proxy that has made it; '' or absent: the proxy that tells of it. */
  readonly origin?: string;
}

/** A block that the proxies of a fleet tell each other. */
export interface ThreatBlock extends DetectedBlock {
  /** Its beginning, milliseconds since the epoch. */
  readonly begun: number;
  /** How often the source has been blocked, and when that is forgotten, milliseconds since the epoch. */
  readonly times: number;
  readonly forgottenAt: number;
  readonly origin: string;
}

/** Lines of the access log. */
export interface TailMessage {
  /** As --access-log-filter; '' for all lines. */
  readonly filter: string;
  readonly durationMs: number;
  /** The most lines per second of a proxy. */
  readonly rate: number;
  /** The number of a worker from 0; '' for all. */
  readonly worker: string;
}

/** Lines of requests that ended lately. */
export interface RecentRequestsMessage {
  /** As --access-log-filter; '' for all lines. */
  readonly filter: string;
  readonly ageMs: number;
  /** Of a request or its trace; '' for all. */
  readonly id: string;
  readonly top: number;
}

/** Keys of limits. */
export interface LimitsMessage {
  /** `<namespace>/<policy>` or `<namespace>/<policy>/<limit>`; '' for all. */
  readonly limit: string;
  readonly top: number;
}

/** Keys of a limit to forget. */
export interface ResetLimitMessage {
  /** `<namespace>/<policy>/<limit>`. */
  readonly limit: string;
  /** As shown. */
  readonly key: string;
  /** All keys. */
  readonly whole: boolean;
}

/** Methods of gRPC services, for operators. */
export interface GrpcMethodsMessage {
  /** The key of its cluster; '': the methods that were counted. */
  readonly backend: string;
}

/** Stored answers to drop: those of a URL, of URLs with a beginning, with a tag, or all. */
export interface PurgeCacheMessage {
  readonly by: 'url' | 'prefix' | 'tag' | 'all';
  /** '' for all. */
  readonly value: string;
}

/** Stored answers, the largest first. */
export interface StoredAnswersMessage extends AnswerFilter {
  readonly top: number;
}

/** URLs to request, so that caches have their answers. */
export interface WarmCacheMessage {
  readonly urls: readonly string[];
  /** Of the requests: name, value, name, value. */
  readonly headers: readonly string[];
  /** Of the listener that gets the requests; 0: that of each URL. */
  readonly port: number;
  /** Requests of a worker at once. */
  readonly concurrency: number;
  /** Requests of the proxy per second. */
  readonly rate: number;
}

/** Open connections, the oldest first. */
export interface ConnectionsMessage extends ConnectionFilter {
  readonly top: number;
}

/** Connections to close. */
export interface CloseConnectionsMessage extends ConnectionFilter {
  /** Of the close frame of a WebSocket, with the reason. */
  readonly code: number;
  readonly reason: string;
}

/** A message for a topic of a hub. */
export interface PublishTopicMessage {
  /** `<namespace>/<name>`. */
  readonly hub: string;
  readonly topic: string;
  /** JSON without line breaks. */
  readonly data: string;
  readonly place: 'Memory' | 'Redis';
  /** How much of the topic is kept. */
  readonly messages: number;
  readonly ageMs: number;
}

/** What a proxy is to do. `worker` of a profile or snapshot: the number of a worker, or supervisor; '' for worker 0. */
export type Action =
  | { readonly action: 'drain'; readonly drain: object }
  | { readonly action: 'logLevel'; readonly logLevel: { readonly level: string } }
  | { readonly action: 'componentLogLevel'; readonly componentLogLevel: { readonly component: string; readonly level: string } }
  | { readonly action: 'tail'; readonly tail: TailMessage }
  | { readonly action: 'recentRequests'; readonly recentRequests: RecentRequestsMessage }
  | { readonly action: 'cpuProfile'; readonly cpuProfile: { readonly durationMs: number; readonly worker: string } }
  | { readonly action: 'heapSnapshot'; readonly heapSnapshot: { readonly worker: string } }
  | { readonly action: 'override'; readonly override: OverrideMessage }
  | { readonly action: 'limits'; readonly limits: LimitsMessage }
  | { readonly action: 'resetLimit'; readonly resetLimit: ResetLimitMessage }
  | { readonly action: 'grpcMethods'; readonly grpcMethods: GrpcMethodsMessage }
  | { readonly action: 'purgeCache'; readonly purgeCache: PurgeCacheMessage }
  | { readonly action: 'storedAnswers'; readonly storedAnswers: StoredAnswersMessage }
  | { readonly action: 'warmCache'; readonly warmCache: WarmCacheMessage }
  | { readonly action: 'connections'; readonly connections: ConnectionsMessage }
  | { readonly action: 'closeConnections'; readonly closeConnections: CloseConnectionsMessage }
  | { readonly action: 'plugins'; readonly plugins: object }
  | { readonly action: 'publishTopic'; readonly publishTopic: PublishTopicMessage }
  | { readonly action: 'blocks'; readonly blocks: object };

/** `action` is undefined if the proxy does not know it. */
export type CommandMessage = { readonly id: number; readonly deadlineMs: number } & (Action | { readonly action?: undefined });

export interface WelcomeMessage {
  /** The last report of this instance that the controller has counted; 0 for none. */
  readonly sequence: number;
  readonly intervalMs: number;
  /** Overrides in force, and those withdrawn lately. */
  readonly overrides: readonly OverrideMessage[];
  /** They are all: others are withdrawn. */
  readonly overridesComplete: boolean;
  /** The last report of this instance that another controller has counted; 0 or absent: none, as far as is known. */
  readonly countedElsewhere?: number;
}

export type ToProxy =
  | { readonly message: 'welcome'; readonly welcome: WelcomeMessage }
  | { readonly message: 'received'; readonly received: { readonly sequence: number } }
  | { readonly message: 'command'; readonly command: CommandMessage }
  | { readonly message: 'cancel'; readonly cancel: { readonly id: number } }
  | { readonly message: 'lending'; readonly lending: LendingMessage }
  | { readonly message: 'lends'; readonly lends: { readonly lends: readonly Lend[] } }
  | { readonly message: 'shared'; readonly shared: { readonly blocks: readonly ThreatBlock[] } }
  | { readonly message?: undefined };
