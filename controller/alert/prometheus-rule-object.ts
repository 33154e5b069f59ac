// A PrometheusRule of one AlertRule in a cluster: the object that Weir applies, and the same as the watch delivers it.
import { contentHash } from '#lib/hash.ts';
import { WEIR_GROUP } from '#api/k8s/schema.ts';
import { groupPath } from '../watch/api-paths.ts';
import { metadataOf, type RawObject } from '../watch/kinds.ts';
import type { ExportedRules } from './prometheus-rule.ts';

export const PROMETHEUS_RULE = { apiVersion: 'monitoring.coreos.com/v1', kind: 'PrometheusRule', plural: 'prometheusrules' } as const;

/** Selects the objects that Weir has made. */
export const MANAGED_SELECTOR = 'app.kubernetes.io/managed-by=weir';

/** Annotation: the hash of the applied object. */
const APPLIED = `${WEIR_GROUP}/applied`;

/** The object to apply. */
export interface RuleManifest {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly annotations: Readonly<Record<string, string>> };
  readonly spec: ExportedRules['object']['spec'];
}

/** The AlertRule of an object. */
export interface RuleOwner {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** An object of the cluster. */
export interface LiveRule {
  readonly uid: string;
  readonly resourceVersion: string;
  /** The uid of the AlertRule that owns it; '' for none. */
  readonly ownerUid: string;
  readonly object: RawObject;
}

/** The name of the object of an AlertRule. */
export function objectNameOf(rule: string): string {
  return `weir-${rule}`;
}

/** The name of the AlertRule of an object; null if the name is none that Weir gives. */
export function ruleNameOf(object: string): string | null {
  return object.startsWith('weir-') ? object.slice('weir-'.length) : null;
}

export function rulePath({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  const { apiVersion, plural } = PROMETHEUS_RULE;
  return `${groupPath(apiVersion)}/namespaces/${encodeURIComponent(namespace)}/${plural}/${encodeURIComponent(name)}`;
}

/** The object with its owner, so that it goes with the AlertRule, and with the labels by which a Prometheus selects it. */
export function manifestOf(
  { object }: ExportedRules,
  { namespace, name, uid }: RuleOwner,
  labels: Readonly<Record<string, string>>,
): RuleManifest {
  const owner = { apiVersion: `${WEIR_GROUP}/v1alpha1`, kind: 'AlertRule', name, uid, controller: true };
  const metadata = {
    name: objectNameOf(name),
    namespace,
    labels: { ...labels, ...object.metadata.labels },
    ownerReferences: [owner],
  };
  const annotations = { [APPLIED]: contentHash(JSON.stringify([metadata, object.spec])) };
  return { ...object, metadata: { ...metadata, annotations } };
}

/** From an object as the API server sent it. */
export function liveRule(raw: RawObject): LiveRule {
  const { managedFields: _managedFields, ...metadata } = metadataOf(raw);
  const owners = (metadata['ownerReferences'] ?? []) as readonly Readonly<Record<string, unknown>>[];
  const owner = owners.find(({ kind, controller }) => kind === 'AlertRule' && controller === true);
  return {
    uid: String(metadata['uid']),
    resourceVersion: String(metadata['resourceVersion']),
    ownerUid: String(owner?.['uid'] ?? ''),
    object: { ...raw, metadata },
  };
}
