// The outcome of a verified credential of a consumer.
import type { FoundConsumer } from '../../exchange/consumers.ts';
import type { PrincipalMethod } from '../../exchange/principal.ts';
import { refused, type Outcome } from './authenticator.ts';

/** The consumer as the principal, unless its credential is not valid now. */
export function consumerOutcome(found: FoundConsumer, method: PrincipalMethod): Outcome {
  if (found.refusal !== null) return refused(`the credential is ${found.refusal}`);
  const known = outcomes.get(found);
  if (known?.method === method) return known.outcome;
  const outcome = acceptedOutcome(found, method);
  outcomes.set(found, { method, outcome });
  return outcome;
}

/** By what the lookup of a valid credential returns, which is the same object each time. */
const outcomes = new WeakMap<FoundConsumer, { readonly method: PrincipalMethod; readonly outcome: Outcome }>();

function acceptedOutcome(found: FoundConsumer, method: PrincipalMethod): Outcome {
  const { namespace, name, groups, plan } = found.consumer;
  return {
    type: 'authenticated',
    principal: { id: name, method, groups, claims: {}, consumer: `${namespace}/${name}`, plan },
    credential: found,
  };
}
