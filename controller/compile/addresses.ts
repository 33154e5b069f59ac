// Decides which addresses may be endpoints. The author of a Backend, an EndpointSlice or a zone of DNS must not reach the own pod of the proxy,
// the metadata service of a cloud (credentials of the node), or the controller through a proxy.
import { parseAddressRange } from '#lib/address-range.ts';
import { AddressRanges } from '#lib/address-ranges.ts';
import { addressWords, readAddress, writeAddress } from '#lib/address-words.ts';

/** The rules of a controller besides the built-in ones. */
export interface AddressRules {
  /** Addresses that are written down in objects may be loopback and link-local addresses: without a cluster. */
  readonly allowLoopback: boolean;
  /** These addresses may be endpoints in any case, unless no server can listen there (`--allow-endpoints`). */
  readonly allowedEndpoints: AddressRanges;
  /** The addresses of the controller, in canonical form, and the ports on which it listens. */
  readonly own: OwnPlaces;
}

/** Where a program listens: these ports of these addresses. */
export interface OwnPlaces {
  readonly addresses: ReadonlySet<string>;
  readonly ports: ReadonlySet<number>;
}

/** `written`: in an object. `found`: by a source outside Kubernetes, whose answers change without a change of an object. */
export type AddressOrigin = 'written' | 'found';

/** An address, and where it comes from. */
export interface Place {
  readonly address: string;
  readonly port: number;
  readonly origin: AddressOrigin;
}

function ranges(...texts: readonly string[]): AddressRanges {
  return AddressRanges.of(
    texts.map((text) => {
      const range = parseAddressRange(text);
      if (!range.ok) throw new Error(`${text} ${range.error}`);
      return range.value;
    }),
  );
}

/** No server listens at such an address. */
const NOT_UNICAST = ranges('224.0.0.0/4', '255.255.255.255/32', 'ff00::/8');

/** The metadata services of AWS, Google Cloud, Azure and others, Alibaba, Oracle, and the host of Azure. */
const METADATA = ranges(
  '169.254.169.254/32',
  '169.254.170.2/32',
  '169.254.170.23/32',
  'fd00:ec2::254/128',
  'fd00:ec2::23/128',
  'fd20:ce::254/128',
  '100.100.100.200/32',
  '192.0.0.192/32',
  '168.63.129.16/32',
);

/** In a proxy's pod these addresses lead to the pod itself or to its node. */
const LOCAL: readonly (readonly [string, AddressRanges])[] = [
  ['is an unspecified address', ranges('0.0.0.0/8', '::/128')],
  ['is a loopback address', ranges('127.0.0.0/8', '::1/128')],
  ['is a link-local address', ranges('169.254.0.0/16', 'fe80::/10')],
];

/** Why an address cannot be an endpoint; null if it can. The text continues a sentence that begins with the address. */
export function refusal({ address, port, origin }: Place, rules: AddressRules): string | null {
  const forms = formsOf(address);
  if (forms.length === 0) return 'is not an IP address';
  if (forms.some((form) => NOT_UNICAST.includes(form))) return 'is a multicast or broadcast address';
  if (forms.every((form) => rules.allowedEndpoints.includes(form))) return null;
  for (const form of forms) {
    const reason = reasonOf(form, port, rules, origin === 'written' && rules.allowLoopback);
    if (reason !== null) return `${reason}, which --allow-endpoints does not permit`;
  }
  return null;
}

/** The guard for the servers of sources, like Consul, to which the controller itself connects. */
export function serverGuard(rules: AddressRules): (address: string) => string | null {
  return (address) => refusal({ address, port: 0, origin: 'written' }, rules);
}

function reasonOf(form: string, port: number, { own }: AddressRules, allowsLocal: boolean): string | null {
  if (METADATA.includes(form)) return 'is the address of the metadata service of a cloud';
  const local = allowsLocal ? undefined : LOCAL.find(([, all]) => all.includes(form));
  if (local !== undefined) return local[0];
  return own.ports.has(port) && own.addresses.has(form) ? 'with this port is an address of the controller' : null;
}

/** The canonical form of an address; the text itself if it is none. IPv4-mapped addresses become IPv4. */
export function plainAddress(text: string): string {
  const version = readAddress(text);
  return version === 0 ? text : writeAddress(version);
}

/** An address in canonical form, and the IPv4 address that translators find in it. Empty if the text is not an address. */
function formsOf(text: string): readonly string[] {
  const version = readAddress(text);
  if (version === 0) return [];
  const inner = version === 6 ? embeddedIpv4() : null;
  const own = writeAddress(version);
  if (inner === null) return [own];
  addressWords[3] = inner;
  return [own, writeAddress(4)];
}

const NAT64 = 0x0064_ff9b;
const SIX_TO_FOUR = 0x2002;

/** The IPv4 address within the last parsed IPv6 address: compatible, translated (SIIT), NAT64 (RFC 6052), 6to4; null if there is none. */
function embeddedIpv4(): number | null {
  const [first = 0, second = 0, third = 0, last = 0] = addressWords;
  if (first === 0 && second === 0) return isTail(third, last) ? last : null;
  if (first === NAT64) return last;
  return first >>> 16 === SIX_TO_FOUR ? ((first << 16) | (second >>> 16)) >>> 0 : null;
}

/** Whether the last word of an address that begins with 64 zeros is an IPv4 address. :: and ::1 are addresses of their own. */
function isTail(third: number, last: number): boolean {
  return third === 0xffff_0000 || (third === 0 && last > 1);
}
