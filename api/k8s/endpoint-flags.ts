// The flags about endpoints that objects must not choose freely; the same for a controller, `weir up`, `weir validate` and `weir explain`.
import { isIP } from 'node:net';
import { parseAddressRange, type AddressRange } from '#lib/address-range.ts';
import { AddressRanges } from '#lib/address-ranges.ts';
import { Mistake, type Flags, type FlagValues } from '#lib/flags.ts';

export const ENDPOINT_FLAGS: Flags = {
  'allow-endpoints': {
    default: '',
    value: 'LIST',
    text: 'addresses and ranges that may be endpoints although they are loopback, link-local, metadata or own addresses, like 127.0.0.0/8',
    see: 'backends.md#refused-addresses',
  },
  'allow-external-names': {
    default: 'false',
    value: '',
    text: 'serve Services of type ExternalName by the addresses of their names in DNS',
    see: 'backends.md#services-of-type-externalname',
  },
};

/** What the flags permit. */
export interface EndpointPermissions {
  readonly allowedEndpoints: AddressRanges;
  readonly allowExternalNames: boolean;
}

/** Reads the flags; throws a Mistake. */
export function readEndpointFlags(values: FlagValues): EndpointPermissions {
  return {
    allowedEndpoints: AddressRanges.of(readRanges(values, 'allow-endpoints')),
    allowExternalNames: values.isOn('allow-external-names'),
  };
}

/** The addresses and ranges of a flag; throws a Mistake. */
export function readRanges(values: FlagValues, flag: string): readonly AddressRange[] {
  const texts = values.text(flag).split(',');
  return texts
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text) => rangeOf(text, flag));
}

function rangeOf(text: string, flag: string): AddressRange {
  const version = isIP(text);
  const range = parseAddressRange(version === 0 ? text : `${text}/${version === 4 ? 32 : 128}`);
  if (!range.ok) throw new Mistake(`--${flag}: ${JSON.stringify(text)} ${range.error}, or an address`);
  return range.value;
}
