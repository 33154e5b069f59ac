// Refuses requests that pages of other sites make in browsers (`csrf` of a SecurityPolicy), without tokens: browsers tell the relation of the
// page in Sec-Fetch-Site (Fetch metadata), and its origin in Origin or Referer. Pages cannot set any of the three.
import { pathTest, type PathTest } from '#api/authorization/path-condition.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { ERRORS, withDetail, type ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { refuse } from '../exchange/local-reply.ts';
import type { FilterVerdict } from '../exchange/plan.ts';
import type { Refusals } from '../exchange/refusal-counts.ts';
import type { SecurityEventFields, SecurityEvents } from '../exchange/security-events.ts';
import type { Filter, FilterKind } from './filter.ts';
import { Origins } from './origins.ts';
import { isOwn, onlyLine, originOf, OWN_SITES } from './page-origin.ts';

type Settings = NonNullable<PolicySettings<'SecurityPolicy'>['csrf']>;

/** Methods that must change nothing (RFC 9110 section 9.2.1); the codec refuses TRACE. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Where refusals are told. */
interface Reports {
  readonly counts: Refusals;
  readonly security: SecurityEvents;
}

class CsrfCheck implements Filter {
  readonly name = 'csrf';
  readonly #allowed: Origins;
  readonly #exempt: readonly PathTest[];
  readonly #passesUntold: boolean;
  readonly #enforced: boolean;
  readonly #counts: Refusals;
  readonly #error: ExchangeError;
  readonly #event: SecurityEventFields;
  readonly #security: SecurityEvents;

  constructor({ allowedOrigins = [], exemptPaths = [], withoutOrigin, mode }: Settings, policy: string, { counts, security }: Reports) {
    this.#event = { policy, reason: 'another page' };
    this.#security = security;
    this.#allowed = new Origins(allowedOrigins);
    this.#exempt = exemptPaths.map((value) => pathTest({ value }));
    this.#passesUntold = withoutOrigin === 'Pass';
    this.#enforced = mode !== 'DryRun';
    this.#counts = counts;
    this.#error = withDetail(ERRORS.csrfRefused, `csrf of ${policy}`);
  }

  request(exchange: Exchange): FilterVerdict {
    if (SAFE.has(exchange.method) && exchange.upgrade === '' && exchange.askedUpgrade === '') return 'continue';
    if (this.#passes(exchange) || this.#exempt.some((test) => test(exchange.path))) return 'continue';
    if (!this.#enforced) {
      this.#counts.dryRun++;
      this.#security.emit('dry_run_denied', exchange, this.#event);
      return 'continue';
    }
    this.#counts.refused++;
    this.#security.emit('csrf_refused', exchange, this.#event);
    return refuse(exchange, this.#error);
  }

  /** Both must agree: a client without Fetch metadata has only an origin, and a request of the user only the metadata. */
  #passes(exchange: Exchange): boolean {
    const { requestHeaders } = exchange;
    const site = onlyLine(requestHeaders, 'sec-fetch-site');
    const origin = originOf(requestHeaders);
    if (site === null || origin === null) return false;
    if (origin !== '' && this.#allowed.has(origin)) return true;
    if (site !== '' && !OWN_SITES.has(site)) return false;
    if (origin !== '') return isOwn(exchange, origin);
    return site !== '' || this.#passesUntold;
  }
}

export const csrf: FilterKind = {
  name: 'csrf',
  ofPolicies: (policies) =>
    policies.filterOf('SecurityPolicy', ['csrf'], ({ csrf: settings = {} }, { origins, refusals, security }) => {
      const policy = origins[0]?.policy ?? '';
      return new CsrfCheck(settings, policy, { counts: refusals.of({ setting: 'csrf', policy, rule: '' }), security });
    }),
};
