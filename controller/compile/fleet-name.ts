// What everything that is made for a Gateway is called.
import { contentHash } from '#lib/hash.ts';

/** Names of Services are DNS labels, and so are the values of labels. */
const MAX_LABEL = 63;
/** Room for the suffixes of the names of pods and ReplicaSets, which are labels too. */
const MAX_NAME = 46;

/** `weir-<name of the Gateway>`, cut and told apart by a hash where that is no DNS label or too long. */
export function fleetName(gateway: string): string {
  const name = `weir-${gateway}`;
  return name.length <= MAX_NAME && !name.includes('.') ? name : hashed(name.replaceAll('.', '-'), gateway, MAX_NAME);
}

/** The name of a Gateway as the value of a label. */
export function gatewayLabel(gateway: string): string {
  return gateway.length <= MAX_LABEL ? gateway : hashed(gateway, gateway, MAX_LABEL);
}

function hashed(text: string, whole: string, length: number): string {
  return `${text.slice(0, length - 9).replace(/[-.]+$/, '')}-${contentHash(whole).slice(0, 8)}`;
}
