// One issuer of tokens, with its keys and the rules of its tokens.
import type { PolicyFilterContext } from '../../rule-policies.ts';
import type { ClaimRules } from './claims.ts';
import { keySource, type KeySettings, type KeySource } from './key-source.ts';

export interface ProviderSettings {
  readonly name?: string;
  readonly issuer?: string;
  readonly audiences?: readonly string[];
  readonly jwks?: KeySettings;
  readonly algorithms?: readonly string[];
  /** Milliseconds. */
  readonly clockSkew?: number;
  readonly requiredClaims?: readonly { readonly name?: string; readonly values?: readonly string[] }[];
  readonly scopes?: readonly string[];
}

export interface Issuer {
  /** As in the claim iss. */
  readonly issuer: string;
  /** The beginning of principal.id. */
  readonly prefix: string;
  readonly rules: ClaimRules;
  readonly source: KeySource;
  /** Whether tokens may have this algorithm, with a key that fits. */
  permits(algorithm: string): boolean;
}

const DEFAULT_SKEW_MS = 30_000;

/** `isOneOfMany`: subjects of different issuers must not become the same caller. */
export function issuerOf(settings: ProviderSettings, isOneOfMany: boolean, context: PolicyFilterContext): Issuer {
  const {
    name,
    issuer = '',
    audiences = [],
    jwks = {},
    algorithms,
    clockSkew = DEFAULT_SKEW_MS,
    requiredClaims = [],
    scopes = [],
  } = settings;
  const isShared = jwks.secret !== undefined;
  const label = name ?? (isOneOfMany ? issuer : '');
  return {
    issuer,
    prefix: label === '' ? '' : `${label}:`,
    rules: {
      audiences,
      clockSkew: clockSkew / 1_000,
      required: requiredClaims.map((claim) => ({ name: claim.name ?? '', values: claim.values ?? null })),
      scopes,
    },
    source: keySource(jwks, context),
    permits: (algorithm) => algorithm.startsWith('HS') === isShared && (algorithms?.includes(algorithm) ?? true),
  };
}
