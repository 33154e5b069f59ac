// What `weir consumer` changes: pure functions from a Consumer to edits.
import { createHash } from 'node:crypto';
import { storedApiKey } from '#lib/api-key.ts';
import type { Consumer } from '#api/k8s/k8s.ts';
import { WEIR_GROUP } from '#api/k8s/schema.ts';
import { KEY_ENTRY, type ConsumerChange, type Edit, type KeySecret } from './edit.ts';

type Credential = Consumer['spec']['credentials'][number];

/** The settings of a new Consumer. */
export interface ConsumerSettings {
  readonly groups: readonly string[];
  /** '' without a plan. */
  readonly plan: string;
}

/** The Secret of a new key of a Consumer; the digest gives it a name that no other has. */
export function secretOf(consumer: string, key: string): KeySecret {
  const value = storedApiKey(key);
  return { name: `${prefixOf(consumer)}${createHash('sha256').update(value).digest('hex').slice(0, 8)}`, value };
}

/** A Consumer with one API key. `expires`: of the key; milliseconds since the epoch, or null. */
export function newConsumer(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  { groups, plan }: ConsumerSettings,
  credential: Credential,
): Consumer {
  return {
    apiVersion: `${WEIR_GROUP}/v1alpha1`,
    kind: 'Consumer',
    metadata: { name, namespace },
    spec: { groups: [...groups], ...(plan === '' ? {} : { plan }), disabled: false, credentials: [credential] },
  };
}

/** A credential with an API key. */
export function keyCredential({ name }: KeySecret, expires: number | null): Credential {
  return { apiKey: { secretRef: { name }, key: KEY_ENTRY }, ...(expires === null ? {} : { expires: timeText(expires) }) };
}

/** Adds a key; the other API keys end at `end`, and those that have ended before `now` are removed. */
export function rotation(
  consumer: Consumer,
  added: KeySecret,
  times: { now: number; end: number; expires: number | null },
): ConsumerChange {
  const { credentials } = consumer.spec;
  const ended = credentials.filter((one) => one.apiKey !== undefined && endOf(one) <= times.now);
  const edits = credentials.flatMap((one, i): Edit[] => {
    if (one.apiKey === undefined || ended.includes(one) || endOf(one) <= times.end) return [];
    return [{ type: 'set', path: ['spec', 'credentials', i, 'expires'], value: timeText(times.end) }];
  });
  const credential: Edit = { type: 'add', path: ['spec', 'credentials'], value: keyCredential(added, times.expires) };
  return { edits: [...edits, credential, ...removals(credentials, ended)], added: [added], removed: ownSecrets(consumer, ended) };
}

/** Removes the API key of a Secret; null if the Consumer has none. */
export function removal(consumer: Consumer, secret: string): ConsumerChange | null {
  const { credentials } = consumer.spec;
  const gone = credentials.filter(({ apiKey }) => apiKey?.secretRef.name === secret);
  return gone.length === 0 ? null : { edits: removals(credentials, gone), added: [], removed: ownSecrets(consumer, gone) };
}

/** Refuses every credential. */
export const DISABLE: ConsumerChange = {
  edits: [{ type: 'set', path: ['spec', 'disabled'], value: true }],
  added: [],
  removed: [],
};

/** From the last to the first, so that the places of the others stay. */
function removals(credentials: readonly Credential[], gone: readonly Credential[]): Edit[] {
  const places = credentials.flatMap((one, i) => (gone.includes(one) ? [i] : []));
  return places.toReversed().map((place) => ({ type: 'remove', path: ['spec', 'credentials', place] }));
}

function ownSecrets({ metadata }: Consumer, credentials: readonly Credential[]): string[] {
  return credentials.map(({ apiKey }) => apiKey?.secretRef.name ?? '').filter((name) => name.startsWith(prefixOf(metadata.name)));
}

function prefixOf(consumer: string): string {
  return `${consumer}-key-`;
}

function endOf({ expires }: Credential): number {
  return expires === undefined ? Infinity : Date.parse(expires);
}

/** RFC 3339 in whole seconds. */
function timeText(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');
}
