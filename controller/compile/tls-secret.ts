// TLS Secrets: certificate pairs of listeners, checked before a proxy gets them.
import type { Secret } from '#api/k8s/k8s.ts';
import type { CertificateState } from '../watch/certificates.ts';
import { challengesOf, progressOf, stateOf } from './acme.ts';
import type { ServedPair } from './kept-pairs.ts';
import { entry, readSecret } from './secret-entry.ts';
import { pairProblem } from './tls-pair.ts';
import { FAULT, splitKey, valueOnly, type UnitKind } from './view.ts';

/** The outcome of a Secret for its readers. */
export interface SecretOutcome {
  /** Which pair proxies get; `none` if the Secret is not sent to them. */
  readonly pair: ServedPair | 'none';
  /** The problem of the Secret, with its name; null if it has none. */
  readonly problem: string | null;
}

/**
 * Key: `<namespace>/<name>`. Gateways depend on whether the Secret is usable, not on its content: rotation recompiles nothing else. Types
 * other than kubernetes.io/tls are refused, as the API permits. A Secret that exists without a usable pair is sent anyway, and the previous
 * pair stays in use.
 */
export const secretUnit: UnitKind<SecretOutcome> = {
  name: 'secret',
  stage: 'leaf',
  fallback: (key) => unusable(key, FAULT),
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const secret = readSecret(view, namespace, name);
    if (!secret.ok) return valueOnly(unusable(key, secret.error));
    const { type } = secret.value;
    if (type !== 'kubernetes.io/tls') return valueOnly(unusable(key, `is of type ${type}; create it anew with type kubernetes.io/tls`));
    const certificate = entry(secret.value, 'tls.crt');
    const privateKey = entry(secret.value, 'tls.key');
    const choice = view.choosePair({ key, certificate, privateKey, problem: problemOf(secret.value, certificate, privateKey) });
    const state = stateOf(secret.value);
    const problem = choice.secret.problem ?? choice.remark ?? renewalProblem(state);
    const outcome = { pair: choice.pair, problem: problem === null ? null : `Secret/${key} ${problem}` };
    return { ...valueOnly(outcome), resources: [choice.secret, ...(state === null ? [] : challengesOf(key, state))] };
  },
};

function renewalProblem(state: CertificateState | null): string | null {
  return state === null || state.problem === '' ? null : `could not be renewed: ${state.problem}`;
}

function unusable(key: string, problem: string): SecretOutcome {
  return { pair: 'none', problem: `Secret/${key} ${problem}` };
}

function problemOf(secret: Secret, certificate: string, privateKey: string): string | null {
  const state = certificate === '' ? stateOf(secret) : null;
  if (state !== null) return progressOf(state);
  if (certificate === '') return lackOf(secret, 'tls.crt');
  if (privateKey === '') return lackOf(secret, 'tls.key');
  return pairProblem(certificate, privateKey);
}

function lackOf({ data, stringData }: Secret, name: string): string {
  const others = [...Object.keys(data), ...Object.keys(stringData)].filter((other) => other !== name).sort();
  return `has no ${name}${others.length === 0 ? '' : `; its entries are ${others.join(', ')}`}`;
}
