// The resource /alerts: alerts with their rules and channels, silences, tests of channels, and the rules for Prometheus.
import { Type, type Static } from '#lib/typebox.ts';
import { ADMIN_ALERT_NAMES, MAX_LABEL, MAX_SUMMARY } from '#api/alert/admin-alerts.ts';
import { closed, DnsLabel, DnsName, DURATION_FORM, DURATION_RULES } from '#api/k8s/schema.ts';
import { formatDuration, parseDuration } from '#lib/duration.ts';
import { err, ok } from '#lib/result.ts';
import type { AlertDesk } from '../alert/desk.ts';
import { parseMatcher } from '../alert/matchers.ts';
import { invalid, operation, type Operation, type Outcome } from './operation.ts';

/** The longest silence, milliseconds: 90 days. */
const MAX_SILENCE = 90 * 24 * 3_600_000;
const MIN_SILENCE = 1_000;

const ONE_LINE = { pattern: '^[^\\p{Cc}\\p{Cf}\\u2028\\u2029]*$', '~must': 'text without control characters' };

function line(maxLength: number) {
  return Type.String({ default: '', maxLength, ...ONE_LINE });
}

const NewSilence = closed({
  /** Like `severity=warning` or `route=~"HTTPRoute/shop/.*"`; all must hold. */
  matchers: Type.Array(Type.String({ minLength: 1, maxLength: 640 }), { minItems: 1, maxItems: 16 }),
  for: Type.String({ ...DURATION_RULES, '~must': DURATION_FORM }),
  author: line(128),
  reason: line(512),
});
const SilenceId = closed({ id: Type.String({ minLength: 1, maxLength: 64 }) });
const ChannelName = closed({
  /** NAMESPACE/NAME. */
  channel: Type.String({ minLength: 3, maxLength: 317 }),
});
const LABEL = Type.Optional(Type.String({ minLength: 1, maxLength: MAX_LABEL, ...ONE_LINE }));
const TIME = Type.Integer({ minimum: 0, default: 0 });
const Told = closed({
  alert: Type.Enum([...ADMIN_ALERT_NAMES]),
  labels: closed({ instance: LABEL, kind: LABEL, user: LABEL, address: LABEL }),
  summary: line(MAX_SUMMARY),
  /** Milliseconds since the epoch. */
  starts: TIME,
  /** 0: it has not ended. */
  ends: TIME,
  /** NAMESPACE/NAME of those that are to get it; without any, all. */
  channels: Type.Array(Type.String({ minLength: 3, maxLength: 317 }), { default: [], maxItems: 100 }),
});
const ExportInput = closed({
  namespace: Type.Optional(Type.String({ ...DnsLabel })),
  name: Type.Optional(Type.String({ ...DnsName })),
});

/** The operations of /alerts. */
export function alertOperations(desk: AlertDesk): readonly Operation[] {
  return [
    operation('GET /alerts', closed({}), async () => ok(await desk.list())),
    operation('GET /alerts/prometheus-rule', ExportInput, ({ namespace = 'default', name = 'weir-alerts' }) =>
      Promise.resolve(ok(desk.export(namespace, name))),
    ),
    operation('POST /alerts/silences', NewSilence, (input) => silence(desk, input)),
    operation('DELETE /alerts/silences', SilenceId, ({ id }) => unsilence(desk, id)),
    operation('POST /alerts/told', Told, async ({ channels, ...told }) => ok(await desk.tell(told, channels))),
    operation('POST /alerts/test', ChannelName, ({ channel }) => test(desk, channel)),
  ];
}

async function silence(desk: AlertDesk, { matchers, for: time, author, reason }: Static<typeof NewSilence>): Promise<Outcome> {
  const parsed = matchers.map(parseMatcher);
  const errors = parsed.flatMap((matcher, i) => (matcher.ok ? [] : [{ field: `matchers[${i}]`, reason: matcher.error }]));
  if (errors.length > 0) return invalid(errors);
  const ms = parseDuration(time);
  if (!ms.ok || ms.value < MIN_SILENCE || ms.value > MAX_SILENCE)
    return invalid([{ field: 'for', reason: `must be from ${formatDuration(MIN_SILENCE)} to ${formatDuration(MAX_SILENCE)}` }]);
  const known = parsed.flatMap((matcher) => (matcher.ok ? [matcher.value] : []));
  const kept = await desk.silence(known, { author, reason, ms: ms.value });
  return kept.ok ? ok(kept.value) : err({ status: 503, detail: kept.error });
}

async function unsilence(desk: AlertDesk, id: string): Promise<Outcome> {
  const ended = await desk.unsilence(id);
  if (!ended.ok) return err({ status: 503, detail: ended.error });
  return ended.value ? ok({ id }) : err({ status: 404, detail: `there is no silence ${id} in force; weir alerts list shows them` });
}

async function test(desk: AlertDesk, channel: string): Promise<Outcome> {
  const sent = await desk.test(channel);
  if (sent === null) {
    return err({
      status: 404,
      detail: `there is no usable NotificationChannel/${channel}; its conditions, or weir validate, say why`,
    });
  }
  return ok({ channel, delivered: sent.ok, reason: sent.ok ? '' : sent.error });
}
