// The outcome of a verified credential of a consumer.
import type { FoundConsumer } from '../../exchange/consumers.ts';
import type { PrincipalMethod } from '../../exchange/principal.ts';
import { refused, type Outcome } from './authenticator.ts';

/** The consumer as the principal, unless its credential is not valid now. */
export function consumerOutcome(found: FoundConsumer, method: PrincipalMethod): Outcome {
  if (found.refusal !== null) return refused(`the credential is ${found.refusal}`);
  const { namespace, name, groups, plan } = found.consumer;
  return {
    type: 'authenticated',
    principal: { id: name, method, groups, claims: {}, consumer: `${namespace}/${name}`, plan },
    credential: found,
  };
}
