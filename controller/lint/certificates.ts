// Served certificates that clients refuse, or will refuse soon. An unusable Secret is a finding of the listener that refers to it.
import { X509Certificate } from 'node:crypto';
import type * as ir from '#api/ir/ir.ts';
import { parseListenerKey } from '#api/ir/ir.ts';
import type { Gateway, ListenerSet } from '#api/k8s/k8s.ts';
import { objectId } from '#api/k8s/object.ts';
import { pairRemark } from '../compile/tls-pair.ts';
import type { Unplaced } from './finding.ts';
import type { Subject } from './subject.ts';

const DAY = 86_400_000;
/** A certificate should be renewed when this time, or this part of its lifetime, is left. */
const SOON = { ms: 14 * DAY, part: 0.2 };

/** Findings about validity, order and names. */
export function certificateFindings(subject: Subject): readonly Unplaced[] {
  const secrets = subject.resources.filter((resource) => resource.kind === 'Secret' && resource.certificate !== '') as readonly ir.Secret[];
  const leaves = new Map(secrets.map(({ key, certificate }) => [key, new X509Certificate(certificate)]));
  const listeners = subject.resources.filter((resource) => resource.kind === 'Listener');
  return [
    ...secrets.flatMap((secret) => ofSecret(secret, leaves.get(secret.key), subject)),
    ...listeners.flatMap((listener) => ofListener(listener, leaves, subject)),
  ];
}

function ofSecret({ key, certificate, problem }: ir.Secret, leaf: X509Certificate | undefined, { now, objects }: Subject): Unplaced[] {
  const object = `Secret/${key}`;
  const reason = problem ?? pairRemark(certificate, now) ?? (leaf === undefined ? null : whyRenew(leaf, now));
  return reason === null ? [] : [{ severity: 'warning', object, field: certificateField(object, objects), reason }];
}

function certificateField(object: string, objects: Subject['objects']): string {
  const secret = objects.get(object) as { readonly stringData?: Readonly<Record<string, string>> } | undefined;
  return secret?.stringData?.['tls.crt'] === undefined ? 'data[tls.crt]' : 'stringData[tls.crt]';
}

function whyRenew({ validFromDate, validToDate }: X509Certificate, now: number): string | null {
  const end = validToDate.getTime();
  const left = end - now;
  if (left > Math.min(SOON.ms, SOON.part * (end - validFromDate.getTime()))) return null;
  return `holds a certificate that expires at ${validToDate.toISOString()}, in ${Math.floor(left / DAY)} days; renew it`;
}

/** A listener with certificates for other names only: clients refuse every connection. */
function ofListener(
  { key, hostname, tls, unserved }: ir.Listener,
  leaves: ReadonlyMap<string, X509Certificate>,
  subject: Subject,
): Unplaced[] {
  const own = (tls?.certificates ?? []).flatMap((secret) => leaves.get(secret) ?? []);
  if (hostname === '' || unserved !== undefined || own.length === 0) return [];
  if (own.some((certificate) => certificate.checkHost(hostname.replace(/^\*/, 'name')) !== undefined)) return [];
  const names = own.map(({ subject: name, subjectAltName }) => subjectAltName ?? name).join(', ');
  const { object, field } = listenerField(key, subject);
  return [{ severity: 'warning', object, field, reason: `no certificate is for ${hostname}, only for ${names}; clients refuse it` }];
}

function listenerField(key: string, { objects }: Subject): { readonly object: string; readonly field: string } {
  const { gateway, listenerSet, listener } = parseListenerKey(key);
  const object = objectId(listenerSet === null ? { kind: 'Gateway', ...gateway } : { kind: 'ListenerSet', ...listenerSet });
  const listeners = (objects.get(object) as Gateway | ListenerSet | undefined)?.spec.listeners ?? [];
  return { object, field: `spec.listeners[${listeners.findIndex(({ name }) => name === listener)}].tls.certificateRefs` };
}
