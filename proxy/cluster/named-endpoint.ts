// The endpoint that a request itself names in a header, where a policy allows it. Only endpoints of the backend can be named.
import { joinAddress } from '#lib/host-port.ts';
import { getHeader } from '../exchange/headers.ts';
import type { PickSubject, UpstreamEndpoint } from '../exchange/plan.ts';
import type { Endpoint } from './endpoint.ts';
import type { Member } from './member.ts';

/**
 * The named one of the members; null if none has the name; undefined if the request names none. Of several names, in a list, the first one
 * that is not tried. `header`: in lower case, '' for none.
 */
export function namedEndpoint(
  header: string,
  subject: PickSubject,
  members: readonly Member[],
  tried: readonly UpstreamEndpoint[],
): Endpoint | null | undefined {
  const text = header === '' ? null : getHeader(subject.requestHeaders, header);
  if (text === null) return undefined;
  const named = text.split(',').flatMap((name) => memberOf(name.trim(), members) ?? []);
  return named.find((endpoint) => !tried.includes(endpoint)) ?? named[0] ?? null;
}

function memberOf(name: string, members: readonly Member[]): Endpoint | undefined {
  return members.find(({ endpoint }) => endpoint.override !== 'out' && joinAddress(endpoint.address, endpoint.port) === name)?.endpoint;
}
