// Refuses requests by the address of their client (`ipAccess` of a SecurityPolicy).
import type { PolicySettings } from '#api/policy/settings.ts';
import { AddressRanges } from '#lib/address-ranges.ts';
import { readAddress } from '#lib/address-words.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { refuse } from '../exchange/local-reply.ts';
import type { FilterVerdict } from '../exchange/plan.ts';
import type { SecurityEvents } from '../exchange/security-events.ts';
import type { Filter, FilterKind } from './filter.ts';
import type { PolicyFilterContext } from './rule-policies.ts';

type Settings = NonNullable<PolicySettings<'SecurityPolicy'>['ipAccess']>;

class IpAccess implements Filter {
  readonly name = 'ipAccess';
  /** Null: every address. */
  readonly #allow: AddressRanges | null;
  readonly #deny: AddressRanges;

  readonly #security: SecurityEvents;
  readonly #policy: string;

  constructor({ allow = [], deny = [] }: Settings, { security, origins }: PolicyFilterContext) {
    this.#security = security;
    this.#policy = origins[0]?.policy ?? '';
    this.#allow = allow.length === 0 ? null : AddressRanges.parse(allow);
    this.#deny = AddressRanges.parse(deny);
  }

  request(exchange: Exchange): FilterVerdict {
    if (this.#allows(exchange.clientAddress)) return 'continue';
    this.#security.emit('access_denied', exchange, { reason: 'client address', policy: this.#policy });
    return refuse(exchange, ERRORS.accessDenied);
  }

  /** What is not an address is refused. */
  #allows(address: string): boolean {
    const version = readAddress(address);
    if (version === 0 || this.#deny.includesRead(version)) return false;
    return this.#allow === null || this.#allow.includesRead(version);
  }
}

export const ipAccess: FilterKind = {
  name: 'ipAccess',
  ofPolicies: (policies) =>
    policies.filterOf('SecurityPolicy', ['ipAccess'], (settings, context) => new IpAccess(settings.ipAccess ?? {}, context)),
};
