// TLS Secrets: certificate pairs of listeners, checked before a proxy gets them.
import type { Secret } from '#api/k8s/k8s.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { ServedPair } from './kept-pairs.ts';
import { pairProblem } from './tls-pair.ts';
import { FAULT, splitKey, valueOnly, type UnitKind, type View } from './view.ts';

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
    const problem = choice.secret.problem ?? choice.remark;
    const outcome = { pair: choice.pair, problem: problem === null ? null : `Secret/${key} ${problem}` };
    return { ...valueOnly(outcome), resources: [choice.secret] };
  },
};

function unusable(key: string, problem: string): SecretOutcome {
  return { pair: 'none', problem: `Secret/${key} ${problem}` };
}

/** The Secret, or why it is not usable. */
export function readSecret(view: View, namespace: string, name: string): Result<Secret> {
  const secret = view.object('Secret', namespace, name);
  if (secret !== undefined) return ok(secret);
  const reason = view.whyUnreadable('Secret', namespace, name);
  return err(reason === undefined ? 'does not exist' : `cannot be read: ${reason}`);
}

/** The data of a Secret under a name; '' if there is none. */
export function entry(secret: Secret, name: string): string {
  if (Object.hasOwn(secret.stringData, name)) return secret.stringData[name] ?? '';
  return Object.hasOwn(secret.data, name) ? Buffer.from(secret.data[name] ?? '', 'base64').toString('utf8') : '';
}

function problemOf(secret: Secret, certificate: string, privateKey: string): string | null {
  if (certificate === '') return lackOf(secret, 'tls.crt');
  if (privateKey === '') return lackOf(secret, 'tls.key');
  return pairProblem(certificate, privateKey);
}

function lackOf({ data, stringData }: Secret, name: string): string {
  const others = [...Object.keys(data), ...Object.keys(stringData)].filter((other) => other !== name).sort();
  return `has no ${name}${others.length === 0 ? '' : `; its entries are ${others.join(', ')}`}`;
}
