// The name of all objects that are created for a Gateway.
import { contentHash } from '#lib/hash.ts';

/** Service names and label values are DNS labels. */
const MAX_LABEL = 63;
/** Leaves room for the suffixes of pod and ReplicaSet names, which are DNS labels too. */
const MAX_NAME = 46;

/** `weir-<name of the Gateway>`; shortened and with a hash if that is too long or no DNS label. */
export function fleetName(gateway: string): string {
  const name = `weir-${gateway}`;
  return name.length <= MAX_NAME && !name.includes('.') ? name : hashed(name.replaceAll('.', '-'), gateway, MAX_NAME);
}

/** The name of a Gateway as a label value. */
export function gatewayLabel(gateway: string): string {
  return gateway.length <= MAX_LABEL ? gateway : hashed(gateway, gateway, MAX_LABEL);
}

function hashed(text: string, whole: string, length: number): string {
  return `${text.slice(0, length - 9).replace(/[-.]+$/, '')}-${contentHash(whole).slice(0, 8)}`;
}
