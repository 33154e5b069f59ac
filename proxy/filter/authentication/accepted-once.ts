// Outcomes of credentials that count once.
import type { ReplayVerdict } from '#lib/replays.ts';
import { refused, unavailable, type Outcome } from './authenticator.ts';

/** The outcome if the signature is new. */
export function acceptedOnce(outcome: Outcome, verdict: ReplayVerdict | Promise<ReplayVerdict>): Outcome | Promise<Outcome> {
  return verdict instanceof Promise ? verdict.then((late) => decided(outcome, late)) : decided(outcome, verdict);
}

function decided(outcome: Outcome, verdict: ReplayVerdict): Outcome {
  if (verdict === 'seen') return refused('the signature was used before');
  if (verdict === 'away') return unavailable('Redis does not remember signatures now');
  return verdict === 'full' ? unavailable('too many signatures are remembered') : outcome;
}
