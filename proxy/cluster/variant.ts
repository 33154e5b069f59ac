// A cluster as rules with equal settings use it: the candidates, and the balancer that chooses among them. All variants of a cluster share
// its endpoints and their state (docs/adr/0010-whose-settings.md).
import type { Attempt, AttemptListener, AttemptOutcome } from '../exchange/attempt.ts';
import type { ConnectionPlan } from '../exchange/connection-terms.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import { ERRORS, withDetail } from '../exchange/errors.ts';
import type { Gate, PickSubject, ProxyProtocol, RetryBudget, Transport, UpstreamCluster, UpstreamEndpoint } from '../exchange/plan.ts';
import type { Session } from '../exchange/session.ts';
import type { SessionOutcome, StreamCluster } from '../exchange/stream-plan.ts';
import type { BackendCounts } from '../exchange/upstream-counts.ts';
import { EJECTED_IN_USE } from '#api/wire/endpoint-reasons.ts';
import { AnswerTimes } from './answer-times.ts';
import { makeBalancer } from './balancer/index.ts';
import { BreakerFeed } from './breaker/breaker-feed.ts';
import { candidatesOf, leftBy } from './candidates.ts';
import type { Endpoint, EndpointTimers } from './endpoint.ts';
import { resolveCheck } from './health/active-check.ts';
import type { ResolvedCheck } from './health/active-check.ts';
import { draining } from './health/draining.ts';
import { ejected } from './health/ejected.ts';
import type { EndpointHealth } from './health/endpoint-health.ts';
import { LatencyComparison } from './health/latency-comparison.ts';
import type { OutlierSettings } from './health/outlier-settings.ts';
import { openBreakers } from './health/open.ts';
import { refusing } from './health/refusing.ts';
import { unhealthy } from './health/unhealthy.ts';
import { keyHash } from './key-hash.ts';
import type { HashKey } from './key-hash.ts';
import { connectionShare } from './limits/connection-share.ts';
import { BackendGate } from './limits/backend-gate.ts';
import type { GatedCluster } from './limits/backend-gate.ts';
import { shareOf } from './limits/limit-settings.ts';
import type { LimitSettings } from './limits/limit-settings.ts';
import type { Member } from './member.ts';
import { namedEndpoint } from './named-endpoint.ts';
import { ranking } from './rank.ts';
import { SlowStart } from './slow-start.ts';
import { subsetOf } from './subset.ts';
import { Tiers } from './tiers.ts';
import type { ClusterSettings } from './settings.ts';

/** The common part of the variants of a cluster. */
export interface VariantCluster extends GatedCluster {
  readonly key: string;
  /** The number of workers of the proxy, which share its limits. */
  readonly workers: number;
  readonly retryBudget: RetryBudget;
  readonly members: readonly Member[];
  readonly endpoints: readonly Endpoint[];
  readonly timers: EndpointTimers;
  /** Of the proxy; '' is unknown. */
  readonly zone: string;
  readonly transport: Transport;
  transportIn(protocol: Transport['protocol'] | null, proxyProtocol: ProxyProtocol): Transport;
  /** The detections of outliers in use have changed. */
  detectionsChanged(): void;
}

/** Every attempt counts at its endpoint, whichever rule made it. The endpoint is one of this worker's. */
const ENDPOINT_LEARNS: AttemptListener = {
  attemptEnded: (attempt, outcome, error) => (attempt.endpoint as Endpoint).outliers.attemptEnded(attempt, outcome, error),
};

/** The reasons of the endpoint itself for which others are preferred, or `forcedIn`. */
export function reasonsOf(endpoint: Endpoint): readonly string[] {
  if (endpoint.override !== null) return [endpoint.override === 'out' ? 'forcedOut' : 'forcedIn'];
  const failing = endpoint.unhealthy.size > 0 ? ['unhealthy'] : [];
  const open = endpoint.breakers.state === 'open' ? ['open'] : [];
  const ejection = endpoint.outliers.ejected ? ejectionOf(endpoint) : [];
  return [...failing, ...ejection, ...open, ...(endpoint.refusal.active ? [refusing.reason] : [])];
}

/** None if no request of this worker has met the ejection. */
function ejectionOf(endpoint: Endpoint): readonly string[] {
  const verdicts = new Set([...endpoint.users].map((user) => user.avoidsEjected(endpoint)));
  if (verdicts.has(true)) return ['ejected'];
  return verdicts.has(false) ? [EJECTED_IN_USE] : [];
}

const ENDPOINTS_FULL = withDetail(ERRORS.overloaded, 'parallel requests of every endpoint');

export class ClusterVariant implements UpstreamCluster, StreamCluster {
  readonly settings: ClusterSettings;
  /** The share of this worker. */
  readonly connections: ConnectionPlan | null;
  readonly answerTimes: AnswerTimes | null;
  readonly #cluster: VariantCluster;
  readonly #tiers: Tiers;
  readonly #hashOn: readonly HashKey[];
  readonly #slowStart: SlowStart;
  readonly #gate: BackendGate;
  /** The limit of requests under way at one endpoint; Infinity without one. */
  readonly #perEndpoint: number;
  readonly #feed: BreakerFeed;
  readonly #listeners: readonly AttemptListener[];
  /** In the order in which they exclude endpoints. */
  readonly #health: readonly EndpointHealth[];
  /** Those that it may use if they are healthy. */
  #members: readonly Member[] = [];
  #candidates: readonly Member[] = [];
  /** The last request named an address that is no endpoint. */
  #isStrangerNamed = false;
  /** The endpoints that may continue sessions: draining ones too. Null until a session asks. */
  #lasting: ReadonlySet<UpstreamEndpoint> | null = null;
  /** The members that ejection and the reasons before it leave; null until a report asks. */
  #spared: { readonly members: ReadonlySet<Endpoint>; readonly left: ReadonlySet<Endpoint> } | null = null;
  /** The candidates are no longer true. */
  #outdated = true;
  #retired = false;
  /** The check with the transport that it was resolved for. */
  #check: { readonly transport: Transport; readonly resolved: ResolvedCheck } | null = null;
  /** A request or connection has come. */
  #used = false;

  constructor(cluster: VariantCluster, settings: ClusterSettings) {
    this.settings = settings;
    this.connections = settings.connections && connectionShare(settings.connections, cluster.workers);
    this.#cluster = cluster;
    this.#tiers = new Tiers(() => makeBalancer(settings.balancer));
    this.#hashOn = settings.hashOn;
    this.#slowStart = new SlowStart({ window: settings.slowStart, timers: cluster.timers, changed: () => this.changed() });
    const { breaker } = settings;
    const breakers = breaker?.scope === 'Endpoint' ? [openBreakers(breaker)] : [];
    this.#health = [draining, unhealthy(() => this.check?.id ?? null), ejected(settings.outliers), ...breakers, refusing];
    this.answerTimes = settings.answerPercentile > 0 ? new AnswerTimes(settings.answerPercentile) : null;
    this.#listeners = [cluster.counts, this.#tiers, ENDPOINT_LEARNS, cluster.adaptive, ...this.#comparison(), ...this.#times()];
    const { limits } = this;
    this.#gate = new BackendGate(cluster, limits, settings.breaker);
    this.#feed = new BreakerFeed(cluster.breakers);
    this.#perEndpoint = limits?.maxParallelRequestsPerEndpoint || Infinity;
  }

  get gate(): Gate | null {
    return this.#gate.isClosable ? this.#gate : null;
  }

  get key(): string {
    return this.#cluster.key;
  }

  /** The active check of its endpoints; null without one. */
  get check(): ResolvedCheck | null {
    const { activeCheck } = this.settings;
    if (activeCheck === null) return null;
    if (this.#check?.transport !== this.transport)
      this.#check = { transport: this.transport, resolved: resolveCheck(activeCheck, this.transport) };
    return this.#check.resolved;
  }

  /** The detection of outliers that its endpoints need; null before the first use. */
  get detection(): OutlierSettings | null {
    return this.#used ? this.settings.outliers : null;
  }

  /** The share of this worker; null: none. */
  get limits(): LimitSettings | null {
    const { limits } = this.settings;
    return limits && shareOf(limits, this.#cluster.workers);
  }

  get endpoints(): readonly UpstreamEndpoint[] {
    return this.#cluster.endpoints;
  }

  get counts(): BackendCounts {
    return this.#cluster.counts;
  }

  get retryBudget(): RetryBudget {
    return this.#cluster.retryBudget;
  }

  get refusing(): boolean {
    return this.#cluster.members.every(({ endpoint }) => endpoint.refusal.active);
  }

  get transport(): Transport {
    return this.#cluster.transport;
  }

  transportIn(protocol: Transport['protocol'] | null, proxyProtocol: ProxyProtocol): Transport {
    return this.#cluster.transportIn(protocol, proxyProtocol);
  }

  pick(tried: readonly UpstreamEndpoint[], subject: PickSubject): UpstreamEndpoint | null {
    if (this.#outdated) this.#choose();
    const named = namedEndpoint(this.settings.overrideHeader, subject, this.#members, tried);
    this.#isStrangerNamed = named === null;
    if (named !== undefined) return named;
    const { session } = subject;
    if (session !== undefined && session !== null && this.#continues(session, tried)) return session.endpoint;
    if (this.#candidates.length === 0) return null;
    const endpoint = this.#tiers.pick(this.#hashOn.length === 0 ? 0 : keyHash(this.#hashOn, subject), tried);
    return endpoint.active < this.#perEndpoint ? endpoint : this.#withRoom(tried);
  }

  /** Only the endpoint of the session matters for it, whichever others come and go. */
  #continues({ endpoint }: Session, tried: readonly UpstreamEndpoint[]): boolean {
    if (endpoint === null || endpoint.active >= this.#perEndpoint || tried.includes(endpoint)) return false;
    this.#lasting ??= new Set(this.#usable(this.#health.filter((health) => health !== draining)).map((member) => member.endpoint));
    return this.#lasting.has(endpoint);
  }

  #usable(health: readonly EndpointHealth[]): readonly Member[] {
    return candidatesOf(this.#members, health, this.settings.panicThreshold);
  }

  /** The least busy endpoint below its limit; null if there is none. */
  #withRoom(tried: readonly UpstreamEndpoint[]): UpstreamEndpoint | null {
    const free = this.#candidates.map(({ endpoint }) => endpoint).filter(({ active }) => active < this.#perEndpoint);
    const untried = free.filter((endpoint) => !tried.includes(endpoint));
    return (untried.length > 0 ? untried : free).toSorted((a, b) => a.active - b.active)[0] ?? null;
  }

  get lack(): ExchangeError {
    return this.#candidates.length === 0 || this.#isStrangerNamed ? ERRORS.noEndpoints : ENDPOINTS_FULL;
  }

  attemptBegan(attempt: Attempt): void {
    this.#cluster.load.began(attempt);
    this.#feed.attemptBegan(attempt);
  }

  attemptAnswered(): void {
    this.#cluster.load.answered();
  }

  attemptEnded(attempt: Attempt, outcome: AttemptOutcome, error: ExchangeError | null): void {
    for (const listener of this.#listeners) listener.attemptEnded(attempt, outcome, error);
    this.#feed.attemptEnded(attempt, outcome, error);
    // Last, because it may start another attempt.
    this.#cluster.load.ended(attempt);
  }

  sessionMet(endpoint: UpstreamEndpoint, outcome: SessionOutcome): void {
    (endpoint as Endpoint).outliers.sessionMet(outcome);
  }

  /** Whether it avoids an ejected endpoint; null if it is not in use, or may not choose the endpoint in any case. */
  avoidsEjected(endpoint: Endpoint): boolean | null {
    if (!this.#used) return null;
    this.#spared ??= this.#spare();
    return this.#spared.members.has(endpoint) ? !this.#spared.left.has(endpoint) : null;
  }

  #spare(): { readonly members: ReadonlySet<Endpoint>; readonly left: ReadonlySet<Endpoint> } {
    const members = subsetOf(this.#cluster.members, this.settings.subset);
    const left = leftBy(members, this.#health, 'ejected');
    return { members: new Set(members.map(({ endpoint }) => endpoint)), left: new Set(left.map(({ endpoint }) => endpoint)) };
  }

  /** An endpoint came, left, or became usable or unusable. */
  changed(): void {
    this.#outdated = true;
    this.#spared = null;
  }

  /** No plan refers to it any more. Exchanges with an older plan still use it, and it gets no more notices: every pick looks anew. */
  retire(): void {
    this.#retired = true;
    this.#slowStart.stop();
    this.#gate.retire();
    this.#outdated = true;
  }

  #choose(): void {
    this.#outdated = this.#retired;
    if (!this.#used) this.#begin();
    const { zone } = this.#cluster;
    const { zone: preference, subset } = this.settings;
    const members = subsetOf(this.#cluster.members, subset);
    this.#members = members;
    this.#candidates = this.#slowStart.weigh(this.#usable(this.#health));
    this.#lasting = null;
    if (this.#candidates.length > 0) this.#tiers.update(members, this.#candidates, ranking(this.#candidates, preference, zone));
  }

  #begin(): void {
    this.#used = true;
    this.#cluster.detectionsChanged();
  }

  #times(): readonly AttemptListener[] {
    return this.answerTimes === null ? [] : [this.answerTimes];
  }

  #comparison(): readonly AttemptListener[] {
    const { outliers } = this.settings;
    if (outliers === null || outliers.latency === null) return [];
    return [new LatencyComparison(outliers, outliers.latency, () => this.#cluster.endpoints)];
  }
}
