// Whether a key of an issuer has signed a token: of `jwt` and of `oidc`.
import type { KeyObject } from 'node:crypto';
import { isSignedBy } from '#lib/jose/signature.ts';
import type { Token } from '#lib/jose/token.ts';
import type { ExchangeTrace } from '../../../exchange/tracing.ts';
import type { KeySource } from './key-source.ts';

/** `unavailable`: the keys of the issuer are not known. */
export type SignatureCheck = 'valid' | 'wrong' | 'unavailable';

/** Checks the signature at once, or after a look at the issuer, which may have a new key. `trace`: of the exchange with the token. */
export function checkSignature(source: KeySource, token: Token, trace: ExchangeTrace | null): SignatureCheck | Promise<SignatureCheck> {
  if (candidates(source, token).length > 0) return checkNow(source, token);
  return source.refresh(trace).then(() => checkNow(source, token));
}

function checkNow(source: KeySource, token: Token): SignatureCheck {
  if (source.keys === null) return 'unavailable';
  const { algorithm, signed, signature } = token;
  return candidates(source, token).some((key) => isSignedBy(algorithm, key, signed, signature)) ? 'valid' : 'wrong';
}

function candidates({ keys }: KeySource, { keyId, algorithm }: Token): readonly KeyObject[] {
  return keys?.candidates(keyId, algorithm) ?? [];
}
