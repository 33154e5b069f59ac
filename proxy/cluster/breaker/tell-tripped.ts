// What a worker tells the others about its circuit breakers.
import { trippedKey } from '../../exchange/notices.ts';
import type { BreakersOptions } from './breakers.ts';
import type { BreakerCause } from './circuit-breaker.ts';

/** A breaker opened, or it closed again (null). Key: `trippedKey`. */
export type TellTripped = (key: string, notice: true | null) => void;

/** Tells the others about the breakers of a backend or of an endpoint, and counts those that open. */
export function tripped(
  scope: 'Backend' | 'Endpoint',
  owner: string,
  tell: TellTripped,
  opened: (cause: BreakerCause) => void,
): BreakersOptions['tell'] {
  return (id, state, cause) => {
    if (cause !== null) opened(cause);
    // Half-open is the business of each worker: it has trials of its own.
    if (state === 'open') tell(trippedKey(scope, owner, id), true);
    else if (state === 'closed') tell(trippedKey(scope, owner, id), null);
  };
}
