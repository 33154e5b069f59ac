// Refuses requests by the address of their client (`ipAccess` of a SecurityPolicy).
import type { PolicySettings } from '#api/policy/settings.ts';
import { parseAddressRange } from '#lib/address-range.ts';
import { AddressRanges } from '#lib/address-ranges.ts';
import { readAddress } from '#lib/address-words.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { refuse } from '../exchange/local-reply.ts';
import type { FilterVerdict } from '../exchange/plan.ts';
import type { Filter, FilterKind } from './filter.ts';

type Settings = NonNullable<PolicySettings<'SecurityPolicy'>['ipAccess']>;

class IpAccess implements Filter {
  readonly name = 'ipAccess';
  /** Null: every address. */
  readonly #allow: AddressRanges | null;
  readonly #deny: AddressRanges;

  constructor({ allow = [], deny = [] }: Settings) {
    this.#allow = allow.length === 0 ? null : rangesOf(allow);
    this.#deny = rangesOf(deny);
  }

  request(exchange: Exchange): FilterVerdict {
    return this.#allows(exchange.clientAddress) ? 'continue' : refuse(exchange, ERRORS.accessDenied);
  }

  /** What is not an address is refused. */
  #allows(address: string): boolean {
    const version = readAddress(address);
    if (version === 0 || this.#deny.includesRead(version)) return false;
    return this.#allow === null || this.#allow.includesRead(version);
  }
}

/** The schema has been checked: all of them are ranges. */
function rangesOf(texts: readonly string[]): AddressRanges {
  return AddressRanges.of(
    texts.map((text) => {
      const range = parseAddressRange(text);
      if (!range.ok) throw new Error(`${text} ${range.error}`);
      return range.value;
    }),
  );
}

export const ipAccess: FilterKind = {
  name: 'ipAccess',
  ofPolicies: (policies) => policies.filterOf('SecurityPolicy', ['ipAccess'], (settings) => new IpAccess(settings.ipAccess ?? {})),
};
