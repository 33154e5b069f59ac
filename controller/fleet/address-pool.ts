// A pool of addresses for Services of type LoadBalancer. The allocation is a pure function of these Services: their statuses hold the
// current addresses, so no other state is needed.
import net from 'node:net';
import { parseAddressRange } from '#lib/address-range.ts';
import { compareText } from '#lib/compare-text.ts';
import { addressOf, canonicalAddress, numberOf } from '#lib/ip-address.ts';
import { err, ok, type Result } from '#lib/result.ts';

/** As in spec.ipFamilies of Services. */
export type IpFamily = 'IPv4' | 'IPv6';

/** A range of addresses as numbers, both ends included. */
interface PoolRange {
  readonly version: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** A Service that uses the pool. */
export interface PooledService {
  /** `<namespace>/<name>`. */
  readonly key: string;
  /** metadata.creationTimestamp: older Services have precedence. */
  readonly createdAt: string;
  readonly families: readonly IpFamily[];
  /** The requested addresses; '' or an empty list requests any. */
  readonly asked: readonly string[];
  /** The current addresses. */
  readonly has: readonly string[];
}

/** The outcome for a Service. */
export interface Allocation {
  readonly addresses: readonly string[];
  /** Which request fails, and why; null if none does. */
  readonly obstacle: { readonly reason: 'AddressNotUsable' | 'AddressNotAssigned'; readonly message: string } | null;
}

const VERSIONS = { IPv4: 4, IPv6: 6 } as const;

export class AddressPool {
  readonly #ranges: readonly PoolRange[];

  private constructor(ranges: readonly PoolRange[]) {
    this.#ranges = ranges;
  }

  /** Parses ranges separated by commas, `10.0.0.0/28` or `10.0.0.10-10.0.0.20`. The error names the invalid range. */
  static parse(text: string): Result<AddressPool> {
    const ranges: PoolRange[] = [];
    for (const part of text.split(',').map((each) => each.trim())) {
      const range = part.includes('-') ? fromTo(part) : subnet(part);
      if (!range.ok) return err(`${JSON.stringify(part)} ${range.error}`);
      ranges.push(range.value);
    }
    return ok(new AddressPool(ranges));
  }

  /** The families of its addresses. */
  get families(): readonly IpFamily[] {
    return (['IPv4', 'IPv6'] as const).filter((family) => this.#ranges.some(({ version }) => version === VERSIONS[family]));
  }

  /** Whether an address, in canonical form, is in the pool. */
  has(address: string): boolean {
    const version = net.isIP(address);
    if (version === 0) return false;
    const number = numberOf(address);
    return this.#ranges.some((range) => range.version === version && range.first <= number && number <= range.last);
  }

  /** All addresses of a family, in order. */
  *addresses(family: IpFamily): Iterable<string> {
    for (const { version, first, last } of this.#ranges) {
      if (version !== VERSIONS[family]) continue;
      for (let number = first; number <= last; number++) yield addressOf(number, version);
    }
  }
}

/** The allocation of each Service, by key. Addresses are unique; a Service keeps its addresses as long as possible. */
export function allocate(pool: AddressPool, services: readonly PooledService[]): ReadonlyMap<string, Allocation> {
  const inOrder = [...services].sort((a, b) =>
    a.createdAt === b.createdAt ? compareText(a.key, b.key) : compareText(a.createdAt, b.createdAt),
  );
  const round = new Round(pool, inOrder);
  return new Map(inOrder.map((service) => [service.key, round.allocate(service)]));
}

/** One allocation of all Services. */
class Round {
  readonly #pool: AddressPool;
  /** The owner of each address. A released address is free in the next round, once the watch has delivered the release. */
  readonly #owners = new Map<string, string>();
  /** The unchecked addresses of a family; all before them are taken. */
  readonly #rest: Readonly<Record<IpFamily, Iterator<string>>>;

  constructor(pool: AddressPool, services: readonly PooledService[]) {
    this.#pool = pool;
    this.#rest = { IPv4: pool.addresses('IPv4')[Symbol.iterator](), IPv6: pool.addresses('IPv6')[Symbol.iterator]() };
    for (const { key, has } of services) {
      for (const address of has) if (pool.has(address) && !this.#owners.has(address)) this.#owners.set(address, key);
    }
  }

  allocate(service: PooledService): Allocation {
    const named = service.asked.filter((address) => address !== '');
    const refusals = named.flatMap((address) => this.#refusal(service, address) ?? []);
    const granted = refusals.length === named.length ? [] : this.#ownAmong(service, named);
    // Current addresses are better than none, until a requested one is available.
    const kept = granted.length > 0 ? granted : this.#onePerFamily(service);
    const asksForAny = named.length === 0 || service.asked.includes('');
    const added = asksForAny ? this.#fill(service, kept) : { addresses: [], lacking: [] };
    const addresses = [...kept, ...added.addresses];
    if (refusals.length > 0) return { addresses, obstacle: { reason: 'AddressNotUsable', message: refusals.join('; ') } };
    if (added.lacking.length === 0) return { addresses, obstacle: null };
    return { addresses, obstacle: { reason: 'AddressNotAssigned', message: this.#describeLack(added.lacking) } };
  }

  /** Allocates a requested address, or returns why that is not possible. */
  #refusal({ key, families }: PooledService, text: string): string | null {
    const address = canonicalAddress(text);
    if (!this.#pool.has(address)) return `${text} is not in the address pool`;
    if (!families.some((family) => net.isIP(address) === VERSIONS[family]))
      return `${text} is not ${families.join(' or ')} like the Service`;
    const owner = this.#owners.get(address) ?? key;
    if (owner !== key) return `${text} belongs to Service/${owner}`;
    this.#owners.set(address, key);
    return null;
  }

  #ownAmong({ key }: PooledService, named: readonly string[]): string[] {
    return [...new Set(named.map(canonicalAddress))].filter((address) => this.#owners.get(address) === key);
  }

  #onePerFamily({ key, has, families }: PooledService): string[] {
    const own = has.filter((address) => this.#owners.get(address) === key);
    return families.flatMap((family) => own.find((address) => net.isIP(address) === VERSIONS[family]) ?? []);
  }

  /** Allocates an address for each family that has none yet. */
  #fill({ key, families }: PooledService, kept: readonly string[]): { addresses: string[]; lacking: IpFamily[] } {
    const addresses: string[] = [];
    const lacking: IpFamily[] = [];
    const available = families.filter((family) => this.#pool.families.includes(family));
    // A Service of both families accepts one family if the pool has only that.
    for (const family of available.length === 0 ? families : available) {
      if (kept.some((address) => net.isIP(address) === VERSIONS[family])) continue;
      const address = this.#takeFree(family, key);
      if (address === null) lacking.push(family);
      else addresses.push(address);
    }
    return { addresses, lacking };
  }

  #takeFree(family: IpFamily, key: string): string | null {
    for (;;) {
      const next = this.#rest[family].next();
      if (next.done === true) return null;
      if (this.#owners.has(next.value)) continue;
      this.#owners.set(next.value, key);
      return next.value;
    }
  }

  #describeLack(families: readonly IpFamily[]): string {
    const lacks = families.map((family) =>
      this.#pool.families.includes(family) ? `the pool has no free ${family} address` : `the pool has no ${family} addresses`,
    );
    return lacks.join('; ');
  }
}

/** Without the first and last address of an IPv4 subnet: the network and broadcast addresses. */
function subnet(text: string): Result<PoolRange> {
  const range = parseAddressRange(text);
  if (!range.ok) return range;
  const { address, bits, version } = range.value;
  const size = 1n << BigInt((version === 4 ? 32 : 128) - bits);
  const first = (numberOf(address) / size) * size;
  const margin = version === 4 && size > 2n ? 1n : 0n;
  return ok({ version, first: first + margin, last: first + size - 1n - margin });
}

function fromTo(text: string): Result<PoolRange> {
  const [from = '', to = '', ...more] = text.split('-').map((each) => canonicalAddress(each.trim()));
  const [version, other] = [net.isIP(from), net.isIP(to)];
  if ((version !== 4 && version !== 6) || other !== version || more.length > 0) {
    return err('must be two addresses of one family like 10.0.0.10-10.0.0.20');
  }
  if (numberOf(from) > numberOf(to)) return err('must begin with the lower address');
  return ok({ version, first: numberOf(from), last: numberOf(to) });
}
