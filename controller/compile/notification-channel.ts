// NotificationChannels: the status of each, and the channel with the entries of its Secrets if it is usable.
import { describeError } from '#api/k8s/field-error.ts';
import type { Secret } from '#api/k8s/k8s.ts';
import { checkNotificationChannel, urlProblem } from '#api/k8s/notification-channel-rules.ts';
import { secretEntriesOf, type NotificationChannel } from '#api/k8s/notification-channel.ts';
import { didYouMean } from '#lib/nearest.ts';
import { err, ok, type Result } from '#lib/result.ts';
import * as conditions from './alert-conditions.ts';
import type { DesiredCondition } from './result.ts';
import { splitKey, valueOnly, type UnitKind, type View } from './view.ts';

/** Key: `<namespace>/<name>`. The root of every NotificationChannel. */
export const notificationChannelUnit: UnitKind<null> = {
  name: 'notification-channel',
  stage: 'summary',
  fallback: () => null,
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const channel = view.object('NotificationChannel', namespace, name);
    if (channel === undefined) return valueOnly(null);
    const ref = { kind: 'NotificationChannel', namespace, name };
    const broken = checkNotificationChannel(channel).map(describeError).join('; ');
    const secrets = broken === '' ? secretsOf(view, channel) : err('');
    const own = conditionsOf(view, channel, broken, secrets);
    const status = { ref, uid: channel.metadata.uid ?? '', type: 'Alerting' as const, conditions: own };
    const alerts = secrets.ok
      ? { kind: 'NotificationChannel' as const, namespace, name, spec: channel.spec, secrets: secrets.value }
      : null;
    return { ...valueOnly(null), status, alerts };
  },
};

function conditionsOf(
  view: View,
  { metadata: { generation = 0, namespace = '', name } }: NotificationChannel,
  broken: string,
  secrets: Result<unknown>,
): readonly DesiredCondition[] {
  if (broken !== '') return [conditions.alertingNotAccepted(generation, broken)];
  const state = view.alertState(`NotificationChannel/${namespace}/${name}`);
  return [
    conditions.alertingAccepted(generation, 'the NotificationChannel is valid'),
    secrets.ok ? conditions.alertingRefsResolved(generation) : conditions.alertingRefsNotResolved(generation, secrets.error),
    ...(state === undefined || !secrets.ok ? [] : [conditions.channelState(generation, state)]),
  ];
}

/** The entries of all Secrets by the path of their field, or every reason why they are not usable. */
function secretsOf(view: View, { metadata: { namespace = '' }, spec }: NotificationChannel): Result<Readonly<Record<string, string>>> {
  const found = [...secretEntriesOf(spec)].map(([field, entry]) => [field, entryOf(view, namespace, { field, ...entry })] as const);
  const problems = found.flatMap(([field, entry]) => (entry.ok ? [] : [`spec.${field}: ${entry.error}`]));
  if (problems.length > 0) return err(problems.join('; '));
  return ok(Object.fromEntries(found.flatMap(([field, entry]) => (entry.ok ? [[field, entry.value]] : []))));
}

interface EntryRef {
  readonly field: string;
  readonly name: string;
  readonly key: string;
}

/** Editors and `echo` add a newline, which no token and no URL can have. */
function entryOf(view: View, namespace: string, { field, name, key }: EntryRef): Result<string> {
  const id = `Secret/${namespace}/${name}`;
  const secret = view.object('Secret', namespace, name);
  if (secret === undefined) {
    const reason = view.whyUnreadable('Secret', namespace, name);
    return err(reason === undefined ? `${id} does not exist` : `${id} cannot be read: ${reason}`);
  }
  const text = textIn(secret, key);
  if (text === null) return err(`${id} has no key ${key}${didYouMean(key, Object.keys({ ...secret.data, ...secret.stringData }))}`);
  const value = text.trim();
  if (value === '') return err(`${id}, key ${key}, is empty`);
  if (field === 'caCertificateRef') return ok(value);
  if (/[^\x20-\x7e]/.test(value)) return err(`${id}, key ${key}, has characters that are not printable ASCII`);
  const problem = /\.urlFrom$/.test(field) ? urlProblem(value) : null;
  return problem === null ? ok(value) : err(`${id}, key ${key}, ${problem}`);
}

function textIn({ data, stringData }: Secret, key: string): string | null {
  if (Object.hasOwn(stringData, key)) return stringData[key] ?? '';
  return Object.hasOwn(data, key) ? Buffer.from(data[key] ?? '', 'base64').toString() : null;
}
