// The endpoint that a request itself names in a header, where a policy allows it. Only endpoints of the backend can be named.
import { joinAddress } from '#lib/host-port.ts';
import { getHeader } from '../exchange/headers.ts';
import type { PickSubject } from '../exchange/plan.ts';
import type { Endpoint } from './endpoint.ts';
import type { Member } from './member.ts';

/** The named one of the members; null if none has the name; undefined if the request names none. `header`: in lower case, '' for none. */
export function namedEndpoint(header: string, subject: PickSubject, members: readonly Member[]): Endpoint | null | undefined {
  const name = header === '' ? null : getHeader(subject.requestHeaders, header);
  if (name === null) return undefined;
  return (
    members.find(({ endpoint }) => endpoint.override !== 'out' && joinAddress(endpoint.address, endpoint.port) === name)?.endpoint ?? null
  );
}
