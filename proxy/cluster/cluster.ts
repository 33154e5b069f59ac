// A cluster at run time: the endpoints of one backend, its transport and counts, and its variants. It is the same object across runtimes,
// so changes of endpoints affect no route and keep connections.
import type * as ir from '#api/ir/ir.ts';
import type { BreakerState } from '#api/wire/breaker-state.ts';
import type { ProxyProtocol, Transport, UpstreamTls } from '../exchange/plan.ts';
import type { BackendCounts } from '../exchange/upstream-counts.ts';
import type { Endpoint, EndpointRegistry, EndpointTimers, EndpointUser } from './endpoint.ts';
import type { OutlierSettings } from './health/outlier-settings.ts';
import { Breakers } from './breaker/breakers.ts';
import type { BreakerSettings } from './breaker/breaker-settings.ts';
import { tripped } from './breaker/tell-tripped.ts';
import type { Notices } from '../exchange/notices.ts';
import { AdaptiveLimits } from './limits/adaptive-limits.ts';
import { Load } from './limits/load.ts';
import { memberOf } from './member.ts';
import type { Member } from './member.ts';
import { ClusterRetryBudget } from './retry-budget.ts';
import { STANDARD } from './settings.ts';
import type { ClusterSettings } from './settings.ts';
import { transportOf } from './transport.ts';
import { ClusterVariant } from './variant.ts';

const PROTOCOLS: readonly Transport['protocol'][] = ['http1', 'http2', 'tcp'];
/** The limit that servers usually have (RFC 9113 section 6.5.2 recommends at least 100). */
const REQUESTS_PER_H2_CONNECTION = 100;
const NONE: readonly Endpoint[] = Object.freeze([]);

export class Cluster implements EndpointUser {
  readonly key: string;
  readonly counts: BackendCounts;
  readonly workers: number;
  readonly retryBudget = new ClusterRetryBudget();
  readonly load = new Load();
  readonly adaptive = new AdaptiveLimits(this.load);
  readonly breakers: Breakers;
  /** What an operator says of its breaker; null: nothing. */
  forced: Notices['breaker'] | null = null;
  transport = transportOf({ protocol: 'http1', proxyProtocol: 0, tls: null });
  /** The same backend with other transports, by `place`. */
  #transports: Transport[] = [];
  readonly #registry: EndpointRegistry;
  readonly #variants = new Map<string, ClusterVariant>();
  #members: readonly Member[] = [];
  /** A new array after each change. */
  #endpoints: readonly Endpoint[] = NONE;

  /** `workers`: of the proxy, which share its limits. */
  constructor(key: string, registry: EndpointRegistry, counts: BackendCounts, workers = 1) {
    this.key = key;
    this.workers = workers;
    this.counts = counts;
    this.#registry = registry;
    this.breakers = new Breakers({
      timers: registry.timers,
      tell: tripped('Backend', key, registry.tells.tripped, (cause) => counts.breakerOpened(cause)),
      // Every request looks at the breaker itself.
      changed: () => undefined,
    });
  }

  /** The state of its breaker, for reports and metrics. */
  get breakerState(): BreakerState {
    if (this.forced !== null) return `forced-${this.forced}`;
    return this.breakers.inUse ? this.breakers.state : '';
  }

  /** All endpoints, held in the registry. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  get timers(): EndpointTimers {
    return this.#registry.timers;
  }

  get zone(): string {
    return this.#registry.zone;
  }

  /** Requests that one connection carries at the same time. */
  get requestsPerConnection(): number {
    return this.transport.protocol === 'http2' ? REQUESTS_PER_H2_CONNECTION : 1;
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /** The variants in use, and those that a plan may still ask for in this batch. */
  get variants(): Iterable<ClusterVariant> {
    return this.#variants.values();
  }

  /** The cluster as rules with these settings use it. Equal settings have one variant. */
  variant(settings: ClusterSettings = STANDARD): ClusterVariant {
    const id = JSON.stringify(settings);
    let variant = this.#variants.get(id);
    if (variant === undefined) this.#variants.set(id, (variant = new ClusterVariant(this, settings)));
    return variant;
  }

  /** Gives up a variant that no plan refers to. The standard one stays: filters may use it. */
  retire(variant: ClusterVariant): void {
    if (variant === this.variant() || !this.#variants.delete(JSON.stringify(variant.settings))) return;
    variant.retire();
    this.detectionsChanged();
    this.adaptive.keep([...this.#variants.values()].flatMap(({ limits }) => limits?.adaptive ?? []));
    this.breakers.keep(this.#breakersOf('Backend'));
    for (const endpoint of this.#endpoints) endpoint.keepBreakers();
  }

  /** Sets the transport to its endpoints. */
  configure({ protocol }: ir.Cluster, tls: UpstreamTls | null): void {
    this.transport = transportOf({ protocol: protocol === 'http2' ? protocol : 'http1', proxyProtocol: 0, tls });
    this.#transports = [];
    this.endpointChanged();
  }

  transportIn(protocol: Transport['protocol'] | null, proxyProtocol: ProxyProtocol): Transport {
    const wanted = protocol ?? this.transport.protocol;
    const place = proxyProtocol * PROTOCOLS.length + PROTOCOLS.indexOf(wanted);
    return (this.#transports[place] ??= transportOf({ protocol: wanted, proxyProtocol, tls: this.transport.tls }));
  }

  /** Sets a new list of endpoints. Addresses that stay keep their pools and their health. */
  update(endpoints: readonly ir.Endpoint[]): void {
    const previous = this.#endpoints;
    const known = new Map(this.#members.map((member) => [member.endpoint, member]));
    this.#members = Object.freeze(
      endpoints.map((resource) => {
        const endpoint = this.#registry.acquire(resource.address, resource.port);
        return memberOf(endpoint, resource, known.get(endpoint));
      }),
    );
    this.#endpoints = Object.freeze(this.#members.map(({ endpoint }) => endpoint));
    this.#follow(previous);
    for (const endpoint of previous) this.#registry.release(endpoint);
    this.endpointChanged();
  }

  get endpointBreakers(): readonly BreakerSettings[] {
    return this.#breakersOf('Endpoint');
  }

  #breakersOf(scope: BreakerSettings['scope']): readonly BreakerSettings[] {
    return [...this.#variants.values()].flatMap(({ settings: { breaker } }) => (breaker?.scope === scope ? [breaker] : []));
  }

  get detections(): readonly OutlierSettings[] {
    return [...this.#variants.values()].flatMap(({ detection }) => (detection === null ? [] : [detection]));
  }

  avoidsEjected(endpoint: Endpoint): boolean | null {
    const verdicts = [...this.#variants.values()].map((variant) => variant.avoidsEjected(endpoint)).filter((verdict) => verdict !== null);
    return verdicts.length === 0 ? null : verdicts.includes(true);
  }

  detectionsChanged(): void {
    for (const { outliers } of this.#endpoints) outliers.outdate();
  }

  /** An endpoint became usable or unusable. */
  endpointChanged(): void {
    for (const variant of this.#variants.values()) variant.changed();
  }

  /** Follows and counts its current endpoints, and no removed ones. */
  #follow(previous: readonly Endpoint[]): void {
    const held = new Set(this.#endpoints);
    for (const endpoint of previous) if (!held.has(endpoint)) endpoint.users.delete(this);
    for (const endpoint of held) endpoint.users.add(this);
    this.counts.keep(held);
    for (const { outliers } of [...previous, ...held]) outliers.outdate();
  }
}
