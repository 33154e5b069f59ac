// Blocks sources whose requests look like an attack (`threats` of a SecurityPolicy). It is the first filter, so that a blocked source costs
// no check of credentials; it learns from the answers.
import type { PolicySettings } from '#api/policy/settings.ts';
import { AddressRanges } from '#lib/address-ranges.ts';
import { readAddress } from '#lib/address-words.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { getHeader } from '../../exchange/headers.ts';
import { refuse } from '../../exchange/local-reply.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import type { Principal } from '../../exchange/principal.ts';
import type { Filter, FilterKind } from '../filter.ts';
import { addressReader } from '../limit-keys.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import { Suspects, type Sign, type Thresholds } from './suspects.ts';

type Settings = NonNullable<PolicySettings<'SecurityPolicy'>['threats']>;

const DEFAULT_THRESHOLDS: Thresholds = {
  authenticationFailures: 20,
  userNames: 5,
  accessDenials: 50,
  missingPaths: 50,
  malformedRequests: 20,
  limited: 100,
};
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Longer credentials have no user name that counts. */
const MAX_CREDENTIALS = 1_024;

const addressOf = addressReader(32, 64);

/** The caller, as operators name it. */
function callerOf({ id, consumer }: Principal): string {
  return consumer === '' ? `principal:${id}` : `consumer:${consumer}`;
}

/** The address of the client; of IPv6 the /64. */
function sourceOf(exchange: Exchange): string {
  const address = addressOf(exchange);
  return address.includes(':') ? `${address}/64` : address;
}

class Threats implements Filter {
  readonly name = 'threats';
  readonly #policy: string;
  readonly #settings: Settings;
  readonly #context: PolicyFilterContext;
  readonly #sources: Suspects;
  /** Apart from the sources, so that many of these push out no caller. */
  readonly #callers: Suspects;
  readonly #stop: () => void;
  readonly #sharedFor: number;
  readonly #exempt: AddressRanges;
  readonly #exemptConsumers: ReadonlySet<string>;

  constructor(settings: Settings, context: PolicyFilterContext) {
    const { window = MINUTE_MS, exempt = {} } = settings;
    this.#settings = settings;
    this.#context = context;
    this.#policy = context.origins[0]?.policy ?? '';
    const thresholds = { ...DEFAULT_THRESHOLDS, ...numbersOf(settings) };
    [this.#sources, this.#callers] = [new Suspects(window, thresholds), new Suspects(window, thresholds)];
    this.#sharedFor = sharedFor(settings);
    this.#stop = context.malformed.follow((exchange) => this.#malformed(exchange));
    this.#exempt = AddressRanges.parse(exempt.addresses ?? []);
    this.#exemptConsumers = new Set(exempt.consumers ?? []);
  }

  request(exchange: Exchange): FilterVerdict {
    if (!this.#context.blocks.holds(this.#policy, sourceOf(exchange), this.#sharedFor) || this.#isExempt(exchange)) return 'continue';
    return refuse(exchange, ERRORS.requestBlocked);
  }

  ended(exchange: Exchange): void {
    const sign = signOf(exchange);
    if (sign === null || this.#isExempt(exchange)) return;
    const { principal } = exchange;
    if (principal !== null && this.#exemptConsumers.has(principal.consumer)) return;
    const detail = sign === 'missingPaths' ? exchange.requestedPath : '';
    this.#note(exchange, this.#sources, sourceOf(exchange), sign, detail);
    if (principal !== null) this.#note(exchange, this.#callers, callerOf(principal), sign, detail);
    const name = sign === 'authenticationFailures' ? userName(exchange) : '';
    if (name !== '') this.#note(exchange, this.#sources, sourceOf(exchange), 'userNames', name);
  }

  dispose(): void {
    this.#stop();
  }

  #malformed(exchange: Exchange): void {
    if (!this.#isExempt(exchange)) this.#note(exchange, this.#sources, sourceOf(exchange), 'malformedRequests', '');
  }

  #note(exchange: Exchange, suspects: Suspects, source: string, sign: Sign, detail: string): void {
    const score = suspects.note(source, sign, detail, Date.now());
    if (score === 0) return;
    const { security, blocks } = this.#context;
    const { action = 'Block', block: first = MINUTE_MS, maxBlock: longest = HOUR_MS } = this.#settings;
    const fields = { reason: sign, policy: this.#policy, source, score };
    if (action === 'Log') return security.emit('threat_suspected', exchange, fields);
    suspects.forget(source);
    const { until } = blocks.block(this.#policy, source, { first, longest, cause: sign, score, isShared: this.#sharedFor > 0 });
    security.emit('source_blocked', exchange, { ...fields, until: new Date(until).toISOString() });
  }

  #isExempt({ clientAddress }: Exchange): boolean {
    return readAddress(clientAddress) !== 0 && this.#exempt.includesRead(readAddress(clientAddress) as 4 | 6);
  }
}

/** How long a block of another proxy counts at most, milliseconds; 0: it does not. */
function sharedFor({ action = 'Block', scope = 'Fleet', maxBlock = HOUR_MS }: Settings): number {
  return action === 'Block' && scope === 'Fleet' ? maxBlock : 0;
}

/** What an answer says about the source of its request; null: nothing. */
function signOf({ error, status, grpc }: Exchange): Sign | null {
  // Without credentials nothing has been tried, and a blocked source tries nothing new.
  if (error === ERRORS.authenticationRequired || error === ERRORS.requestBlocked) return null;
  return SIGNS.get(grpc && error !== null ? error.status : status) ?? null;
}

const SIGNS: ReadonlyMap<number, Sign> = new Map([
  [401, 'authenticationFailures'],
  [403, 'accessDenials'],
  [404, 'missingPaths'],
  [429, 'limited'],
]);

/** The user name of Basic credentials (RFC 7617), or ''. */
function userName({ requestHeaders }: Exchange): string {
  const value = getHeader(requestHeaders, 'authorization') ?? '';
  if (value.length > MAX_CREDENTIALS || value.slice(0, 6).toLowerCase() !== 'basic ') return '';
  const pair = Buffer.from(value.slice(6), 'base64').toString('latin1');
  return pair.slice(0, Math.max(0, pair.indexOf(':')));
}

function numbersOf(settings: Settings): Partial<Thresholds> {
  const names = Object.keys(DEFAULT_THRESHOLDS) as Sign[];
  return Object.fromEntries(names.flatMap((name) => (settings[name] === undefined ? [] : [[name, settings[name]]])));
}

export const threats: FilterKind = {
  name: 'threats',
  ofPolicies: (policies) =>
    policies.filterOf('SecurityPolicy', ['threats'], (settings, context) => new Threats(settings.threats ?? {}, context)),
};

/** Refuses callers that are blocked. It follows authentication, which names them. */
class BlockedCallers implements Filter {
  readonly name = 'blockedCallers';
  readonly #policy: string;
  readonly #blocks: PolicyFilterContext['blocks'];
  readonly #sharedFor: number;

  constructor(settings: Settings, { origins, blocks }: PolicyFilterContext) {
    this.#sharedFor = sharedFor(settings);
    this.#policy = origins[0]?.policy ?? '';
    this.#blocks = blocks;
  }

  request(exchange: Exchange): FilterVerdict {
    const { principal } = exchange;
    if (principal === null || !this.#blocks.holds(this.#policy, callerOf(principal), this.#sharedFor)) return 'continue';
    return refuse(exchange, ERRORS.requestBlocked);
  }
}

export const blockedCallers: FilterKind = {
  name: 'blockedCallers',
  ofPolicies: (policies) =>
    policies.filterOf('SecurityPolicy', ['threats'], (settings, context) => new BlockedCallers(settings.threats ?? {}, context)),
};
