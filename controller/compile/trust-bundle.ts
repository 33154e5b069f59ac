// CA certificates in ConfigMaps and Secrets, against which peers are verified; parsed before a proxy gets them.
import { X509Certificate } from 'node:crypto';
import { FAULT, splitId, valueOnly, type UnitKind, type View } from './view.ts';
import { entry, readConfigMap, readSecret } from './secret-entry.ts';

/** Null if the bundle is usable; otherwise the reason why not. */
export type TrustBundleOutcome = string | null;

/** Kinds of objects that may hold a bundle. */
export const TRUST_BUNDLE_KINDS: ReadonlySet<string> = new Set(['ConfigMap', 'Secret']);

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Key: `ConfigMap/<namespace>/<name>` or `Secret/<namespace>/<name>`. As for TLS Secrets, changed content recompiles nothing else. */
export const trustBundleUnit: UnitKind<TrustBundleOutcome> = {
  name: 'trust-bundle',
  stage: 'leaf',
  fallback: (key) => `${key} ${FAULT}`,
  compile(view, key) {
    const found = find(view, key);
    if (found.problem !== null) return valueOnly(`${key} ${found.problem}`);
    const certificates = found.text.match(PEM_CERTIFICATE) ?? [];
    if (certificates.length === 0) return valueOnly(`${key} holds no PEM certificate in ca.crt`);
    if (!certificates.every(parses)) return valueOnly(`${key} holds a certificate in ca.crt that does not parse`);
    // Only the certificates are sent: files may have comments, and sometimes keys, between them.
    return { ...valueOnly(null), resources: [{ kind: 'TrustBundle', key, certificates: `${certificates.join('\n')}\n` }] };
  },
};

type Found = { readonly text: string; readonly problem: null } | { readonly text: null; readonly problem: string };

function find(view: View, key: string): Found {
  const { kind, namespace, name } = splitId(key);
  return kind === 'ConfigMap' ? fromConfigMap(view, namespace, name) : fromSecret(view, namespace, name);
}

function fromConfigMap(view: View, namespace: string, name: string): Found {
  const configMap = readConfigMap(view, namespace, name);
  if (!configMap.ok) return { text: null, problem: configMap.error };
  const { data } = configMap.value;
  const text = Object.hasOwn(data, 'ca.crt') ? (data['ca.crt'] ?? '') : '';
  return text === '' ? { text: null, problem: 'has no ca.crt' } : { text, problem: null };
}

/** A Secret of any type: those with CA certificates only are usually Opaque. */
function fromSecret(view: View, namespace: string, name: string): Found {
  const secret = readSecret(view, namespace, name);
  if (!secret.ok) return { text: null, problem: secret.error };
  const text = entry(secret.value, 'ca.crt');
  return text === '' ? { text: null, problem: 'has no ca.crt' } : { text, problem: null };
}

function parses(certificate: string): boolean {
  try {
    new X509Certificate(certificate);
    return true;
  } catch {
    return false;
  }
}
