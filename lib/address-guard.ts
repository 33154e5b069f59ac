// Addresses that a program must not connect to on behalf of users: those of the machine itself, of metadata services, and of no server.
import { AddressRanges } from './address-ranges.ts';
import { addressWords, readAddress, writeAddress } from './address-words.ts';
import type { AddressGuard } from './destination.ts';

function ranges(...texts: readonly string[]): AddressRanges {
  return AddressRanges.parse(texts);
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

/** Refuses the addresses that lead to the machine itself, to its network, or to metadata services, except allowed ones. */
export function outsideGuard(allowed: AddressRanges): AddressGuard {
  return (address) => {
    const forms = addressForms(address);
    const never = unicastReason(forms);
    if (never !== null || forms.every((form) => allowed.includes(form))) return never;
    for (const form of forms) {
      const reason = metadataReason(form) ?? localReason(form);
      if (reason !== null) return `${reason}, which --allow-services does not permit`;
    }
    return null;
  };
}

/** Why no server can be at an address with these forms; null if one can. */
export function unicastReason(forms: readonly string[]): string | null {
  if (forms.length === 0) return 'is not an IP address';
  return forms.some((form) => NOT_UNICAST.includes(form)) ? 'is a multicast or broadcast address' : null;
}

/** Why an address leads to the credentials of the machine; null if it does not. */
export function metadataReason(form: string): string | null {
  return METADATA.includes(form) ? 'is the address of the metadata service of a cloud' : null;
}

/** Why an address leads to the machine itself; null if it does not. */
export function localReason(form: string): string | null {
  return LOCAL.find(([, all]) => all.includes(form))?.[0] ?? null;
}

/** An address in canonical form, and the IPv4 address that translators find in it. Empty if the text is not an address. */
export function addressForms(text: string): readonly string[] {
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
