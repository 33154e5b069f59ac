// Decides which addresses may be endpoints. The author of a Backend, an EndpointSlice or a zone of DNS must not reach the own pod of the proxy,
// the metadata service of a cloud (credentials of the node), or the controller through a proxy.
import { addressForms, localReason, metadataReason, unicastReason } from '#lib/address-guard.ts';
import type { AddressRanges } from '#lib/address-ranges.ts';
import { readAddress, writeAddress } from '#lib/address-words.ts';

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

/** Why an address cannot be an endpoint; null if it can. The text continues a sentence that begins with the address. */
export function refusal({ address, port, origin }: Place, rules: AddressRules): string | null {
  const forms = addressForms(address);
  const never = unicastReason(forms);
  if (never !== null) return never;
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
  const reason = metadataReason(form) ?? (allowsLocal ? null : localReason(form));
  if (reason !== null) return reason;
  return own.ports.has(port) && own.addresses.has(form) ? 'with this port is an address of the controller' : null;
}

/** The canonical form of an address; the text itself if it is none. IPv4-mapped addresses become IPv4. */
export function plainAddress(text: string): string {
  const version = readAddress(text);
  return version === 0 ? text : writeAddress(version);
}
