// Signed tokens for the load: a key pair, its key set, and tokens that differ.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** The algorithms that are compared. */
export type TokenAlgorithm = 'RS256' | 'ES256';

const KEY_ID = 'bench';
const LIFETIME_SECONDS = 86_400;

/** The issuer of all tokens. */
export const ISSUER = 'https://issuer.bench.test';

/** Signs tokens with a key of its own: RSA of 2048 bits, or P-256. */
export class TokenSigner {
  /** The key set (RFC 7517) as JSON. */
  readonly keySet: string;
  readonly #algorithm: TokenAlgorithm;
  readonly #key: KeyObject;

  constructor(algorithm: TokenAlgorithm) {
    const pair =
      algorithm === 'RS256' ? generateKeyPairSync('rsa', { modulusLength: 2_048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#algorithm = algorithm;
    this.#key = pair.privateKey;
    this.keySet = JSON.stringify({ keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: algorithm, use: 'sig' }] });
  }

  /** A token that no other one equals. */
  token(): string {
    const seconds = Math.floor(Date.now() / 1_000);
    const claims = { iss: ISSUER, sub: 'bench', iat: seconds, exp: seconds + LIFETIME_SECONDS, jti: randomBytes(12).toString('hex') };
    const signed = `${part({ alg: this.#algorithm, kid: KEY_ID, typ: 'JWT' })}.${part(claims)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: this.#key, dsaEncoding: 'ieee-p1363' });
    return `${signed}.${signature.toString('base64url')}`;
  }
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
