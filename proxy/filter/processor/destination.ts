// The endpoint that a processor picks for a request (the protocol of endpoint pickers of the Gateway API Inference Extension): a header, or the
// metadata `envoy.lb` of its answer, which becomes that header. `loadBalancer.overrideHeader` of a BackendTrafficPolicy names the header.
import { removeHeader, setHeader, type Headers } from '../../exchange/headers.ts';
import type { Struct } from './messages.ts';

const DESTINATION = 'x-gateway-destination-endpoint';
const NAMESPACE = 'envoy.lb';
const ADDRESSES = /^[0-9A-Fa-f.:[\], ]{1,1024}$/;

/** Only the processor picks. */
export function removeDestination(headers: Headers): void {
  removeHeader(headers, DESTINATION);
}

/** Whether the metadata of an answer has nothing but an endpoint. */
export function hasPick({ fields }: Struct): boolean {
  return pickIn({ fields }) !== undefined && Object.keys(fields).length === 1;
}

/** Takes the endpoint in the metadata of an answer, if it has one. */
export function takeDestination(metadata: Struct | null, headers: Headers): void {
  const picked = metadata === null ? undefined : pickIn(metadata);
  if (picked !== undefined && ADDRESSES.test(picked)) setHeader(headers, DESTINATION, picked);
}

function pickIn({ fields }: Struct): string | undefined {
  return fields[NAMESPACE]?.structValue?.fields[DESTINATION]?.stringValue;
}
