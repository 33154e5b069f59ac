// Alerts with their rules and channels, silences, and tests of channels.
import { Type } from '#lib/typebox.ts';
import type { LiveRow } from './row.ts';
import { COUNT, DURATION, input, list, NAME, OPTIONAL_TEXT, shown, TEXT } from './schemas.ts';

const SILENCE = { id: TEXT, matchers: Type.Array(TEXT), author: TEXT, reason: TEXT, starts: TEXT, ends: TEXT };

/** The operations about alerts. */
export const ALERT_ROWS: readonly LiveRow[] = [
  {
    ...{ id: 'alerts.list', runs: 'GET /alerts', method: 'GET', path: '/alerts', permission: 'alerts:read' },
    summary: 'List alerts, the most urgent first, with silences, rules and channels',
    answer: shown({
      alerts: list({ fingerprint: TEXT, alert: TEXT, rule: TEXT, state: TEXT, severity: TEXT, summary: TEXT, firedAt: OPTIONAL_TEXT }),
      silences: list(SILENCE),
      rules: list({ rule: TEXT, severity: TEXT, firing: COUNT, trouble: TEXT }),
      channels: list({ channel: TEXT, type: TEXT, trouble: TEXT }),
      notes: Type.Array(TEXT),
    }),
    example: {},
  },
  {
    ...{ id: 'alerts.prometheus-rule', runs: 'GET /alerts/prometheus-rule', method: 'GET', path: '/alerts/prometheus-rule' },
    permission: 'alerts:read',
    summary: 'Write the alert rules as a PrometheusRule',
    query: input({ namespace: Type.Optional(NAME), name: Type.Optional(NAME) }),
    answer: shown({ object: shown({}), left: list({}) }),
    example: {},
  },
  {
    ...{ id: 'alerts.silence', runs: 'POST /alerts/silences', method: 'POST', path: '/alerts/silences', permission: 'alerts:write' },
    summary: 'Silence alerts for a time, in the name of the caller',
    body: input({
      matchers: Type.Array(Type.String({ minLength: 1, maxLength: 640 }), { minItems: 1, maxItems: 16 }),
      for: DURATION,
      reason: Type.Optional(Type.String({ maxLength: 512 })),
    }),
    status: 201,
    answer: shown(SILENCE),
    example: { body: { matchers: ['severity=warning'], for: '1h', reason: 'maintenance' } },
    // Its author is the caller, whatever the body says.
    input: (fields, { caller }) => ({ ...fields, author: caller.name.slice(0, 128) }),
    changes: ({ matchers }) => `silence/${(matchers as readonly string[]).join(',')}`,
  },
  {
    ...{ id: 'alerts.unsilence', runs: 'DELETE /alerts/silences', method: 'DELETE', path: '/alerts/silences/{id}' },
    permission: 'alerts:write',
    summary: 'End a silence',
    params: input({ id: Type.String({ minLength: 1, maxLength: 64 }) }),
    answer: shown({ id: TEXT }),
    example: { params: { id: 'example' }, unknown: { id: 'none' } },
    noun: 'silence',
    changes: ({ id }) => `silence/${String(id)}`,
  },
  {
    ...{ id: 'alerts.test-channel', runs: 'POST /alerts/test', method: 'POST', path: '/alerts/channels/test', permission: 'alerts:write' },
    summary: 'Send a test message to a channel',
    body: input({ channel: Type.String({ minLength: 3, maxLength: 317, description: 'NAMESPACE/NAME of a NotificationChannel.' }) }),
    answer: shown({ channel: TEXT, delivered: Type.Boolean(), reason: TEXT }),
    example: { body: { channel: 'ops/pager' } },
    noun: 'channel',
    changes: ({ channel }) => `channel/${String(channel)}`,
  },
];
