// The interfaces of filters: a filter with its halves, and a kind of filter, which makes filters of IR filters or of policies.
import type * as ir from '#api/ir/ir.ts';
import type { SettingOrigin } from '#api/policy/merge.ts';
import type { BodyStage } from '../exchange/body-stage.ts';
import type { OpenCall } from '../exchange/call.ts';
import type { SharedCache } from '../cache/shared-cache.ts';
import type { Consumers } from '../exchange/consumers.ts';
import type { LimitCounts } from '#lib/limit/metrics.ts';
import type { LimitStore } from '#lib/limit/store.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { GrpcMethodCounts } from '../exchange/grpc-method-counts.ts';
import type { HubCounts } from '../exchange/hub-counts.ts';
import type { IdempotencyKeys } from '../exchange/idempotency.ts';
import type { ObjectData } from '../exchange/object-data.ts';
import type { AnswerChange, FilterVerdict, Patience, RequestFilter } from '../exchange/plan.ts';
import type { OpenSessions } from '../exchange/open-sessions.ts';
import type { Outside } from '../exchange/outside.ts';
import type { Plugins } from '../exchange/plugins.ts';
import type { ProcessorCounts } from '../exchange/processor-counts.ts';
import type { RefusalCounts } from '../exchange/refusal-counts.ts';
import type { SharedEntries } from '../exchange/shared-entries.ts';
import type { BodyPart } from '../exchange/staged-body.ts';
import type { SecurityEvents } from '../exchange/security-events.ts';
import type { Ask } from '../exchange/subrequest.ts';
import type { Topics } from '../exchange/topics.ts';
import type { ReplayMemory } from '../exchange/worker-replays.ts';
import type { Passwords } from './authentication/passwords.ts';
import type { DocumentCompiler } from './openapi/document-compiler.ts';
import type { OperatorBlocks } from '../exchange/operator-blocks.ts';
import type { RulesInForce } from './rules-in-force.ts';
import type { MalformedRequests } from './threats/malformed-requests.ts';
import type { BlockedSources } from './threats/blocked-sources.ts';
import type { RulePolicies } from './rule-policies.ts';

/** Sends copies of requests; implemented by upstream/. */
export interface MirrorSender {
  /** Sends a copy of the exchange's head and body to a cluster, and discards the answer. */
  mirror(exchange: Exchange, cluster: string): void;
}

/** Where limits count, and what came of it. */
export interface LimitDependencies {
  readonly local: LimitStore;
  /** For all proxies of the fleet. */
  readonly lease: LimitStore;
  readonly redis: LimitStore;
  /** By `<namespace>/<policy>/<limit>`. */
  readonly counts: { of(limit: string): LimitCounts };
  /** The proxies of the fleet, as the controller told it last. */
  readonly proxies: number;
}

/** The dependencies of filters besides the exchange. */
export interface FilterDependencies {
  readonly limits: LimitDependencies;
  readonly mirror: MirrorSender;
  /** The entries of Secrets and ConfigMaps that settings refer to. A filter without its entry lets nothing through. */
  readonly data: ObjectData;
  /** The consumers that credentials name. */
  readonly consumers: Consumers;
  /** Asks a backend. */
  readonly ask: Ask;
  /** Calls a backend, for as long as an exchange lasts. */
  readonly call: OpenCall;
  /** Asks services by URL, and keeps documents of theirs. */
  readonly outside: Outside;
  /** Starts plugins of users. */
  readonly plugins: Plugins;
  /** The whole body of a request; null if it is larger than the limit, or if the exchange ends before. */
  readonly wholeBody: (exchange: Exchange, maxBytes: number) => Promise<Buffer | null>;
  /** The body, or its beginning if it is larger than the limit; null if the exchange ends before. */
  readonly bodyStart: (exchange: Exchange, maxBytes: number) => Promise<BodyPart | null>;
  /** The body of a request flows through a stage from now on, while the filter still decides. */
  readonly passThrough: (exchange: Exchange, stage: BodyStage) => void;
  /** The whole body of an answer, for a response half; null if it is larger than the limit, or if the exchange ends before. */
  readonly wholeAnswer: (exchange: Exchange, maxBytes: number) => Promise<Buffer | null>;
  /**
   * The body of the answer of a backend, with its trailers, or its beginning if it is larger than the limit; null if the exchange ends before.
   */
  readonly answerStart: (exchange: Exchange, maxBytes: number) => Promise<BodyPart | null>;
  /** The sessions of users that are in use. */
  readonly sessions: OpenSessions;
  /** Entries that all proxies share: sessions of users. */
  readonly shared: SharedEntries;
  /** The answers that the worker stores. */
  readonly cache: SharedCache;
  /** Goes on with a copy of a request behind a filter of its plan. */
  readonly proceed: (copy: Exchange, behind: RequestFilter) => void;
  /** The stores of idempotency keys, and what came of requests with keys. */
  readonly idempotency: IdempotencyKeys;
  readonly passwords: Passwords;
  /** Reads and compiles OpenAPI documents. */
  readonly documents: DocumentCompiler;
  /** The topics of hubs, and what hubs count. */
  readonly topics: Topics;
  readonly hubs: HubCounts;
  /** The signatures that were accepted and count once. */
  readonly replays: ReplayMemory;
  /** Ends an exchange that the filter let through before, whatever its state; no effect on one that is over. */
  readonly end: (exchange: Exchange, error: ExchangeError) => void;
  /** Counts gRPC calls by method. */
  readonly grpcMethods: GrpcMethodCounts;
  /** Counts what external processors do. */
  readonly processors: ProcessorCounts;
  /** Counts what rules refuse. */
  readonly refusals: RefusalCounts;
  /** The sources that are blocked. */
  readonly blocks: BlockedSources;
  /** The rules of authorization in force. */
  readonly rules: RulesInForce;
  /** Requests that reach no filter because they are malformed. */
  readonly malformed: Pick<MalformedRequests, 'follow'>;
  /** What operators block. */
  readonly refused: Pick<OperatorBlocks, 'hasCaller'>;
  /** Takes one event for each refusal. */
  readonly security: SecurityEvents;
}

/**
 * A filter: its request half, its response half, or both. Equal filters are one instance, for all rules that need it, as long as a plan
 * needs it: its buckets, caches and keys outlive changes of other objects.
 */
export interface Filter {
  readonly name: string;
  /** How long an exchange waits for either half. */
  readonly patience?: Patience;
  /** The request half runs after the filters of the chosen backend, before the first attempt. */
  readonly isLast?: true;
  /** Changes the request before an endpoint is chosen, or answers it. */
  request?(exchange: Exchange): FilterVerdict | Promise<FilterVerdict>;
  /** Changes an answer, also one that precedes the request half of this filter: its head, and by a stage its body. */
  response?(exchange: Exchange): AnswerChange | Promise<AnswerChange>;
  /** The exchange is over, whether or not it has passed the request half: releases what the filter holds for it. */
  ended?(exchange: Exchange): void;
  /** No plan has the filter any more: releases timers and subscriptions. Exchanges under way may still call both halves. */
  dispose?(): void;
}

/** A filter that is made unless an equal one exists. */
export interface FilterDraft {
  /** Drafts of one kind with equal identities make one filter. JSON. */
  readonly identity: unknown;
  /** The settings that it comes from, with their policies. */
  readonly origins: readonly SettingOrigin[];
  make(dependencies: FilterDependencies): Filter;
}

/** One kind of filter. It returns null if it has nothing to do. */
export interface FilterKind {
  /** That of its position in the chain (api/k8s/extension/positions.ts), unless it is an extension. */
  readonly name: string;
  /** An extension: its place is the `position` of an ExtensionPolicy, if there is one. */
  readonly isExtension?: true;
  /** Its filters run after those of the chosen backend (`isLast` of a filter). */
  readonly isLast?: true;
  /** Its policies also apply to requests that are refused before a rule serves them. */
  readonly ofRefused?: true;
  /** The filter for an IR filter of a rule or of a backend. */
  readonly ofRule?: (filter: ir.Filter, dependencies: FilterDependencies) => Filter | null;
  /** The filter for the policies in effect for a rule at a listener. */
  readonly ofPolicies?: (policies: RulePolicies) => FilterDraft | null;
}
