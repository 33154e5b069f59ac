// The interface of reasons to keep requests away from endpoints; one file per reason.
import type { Member } from '../member.ts';

export interface EndpointHealth {
  /** The name in statuses and metrics. */
  readonly reason: string;
  /** The members that may be used as far as this reason is concerned, in the same order. Called after a change, never for a request. */
  usable(members: readonly Member[]): readonly Member[];
}
