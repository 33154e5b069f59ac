// NotificationChannel: where notifications of alerts go, and how they are grouped and repeated.
import { Type, type Static } from '#lib/typebox.ts';
import { SEVERITIES } from './alert-rule.ts';
import { closed, DnsName, DURATION_FORM, DURATION_RULES, objectOf, WEIR_GROUP } from './schema.ts';

/** The ways to send, in the order of the reference. */
export const CHANNEL_TYPES = ['webhook', 'slack', 'email', 'pagerDuty', 'alertmanager'] as const;
export type ChannelType = (typeof CHANNEL_TYPES)[number];

/** The rules that the schema cannot express. */
export const ONE_TYPE = `must set exactly one of ${CHANNEL_TYPES.join(', ')}`;
export const ONE_URL = 'must set exactly one of url and urlFrom';

const URL_RULES = { maxLength: 2_048, pattern: '^https?://[^ ]+$', '~must': 'an http or https URL' };

function url(description: string) {
  return Type.String({ ...URL_RULES, description });
}

function time(description: string, options: { default: string }) {
  return Type.String({ ...DURATION_RULES, description, '~must': DURATION_FORM, ...options });
}

/** An entry of a Secret. */
function fromSecret(description: string) {
  return closed(
    {
      secretRef: closed(
        { name: Type.String({ ...DnsName, description: 'The name of the Secret.' }) },
        { description: 'A Secret in the namespace of the channel.' },
      ),
      key: Type.String({
        minLength: 1,
        maxLength: 253,
        pattern: '^[A-Za-z0-9._-]+$',
        description: 'The key of the value in the Secret.',
        '~must': 'letters, digits, ".", "_" and "-"',
      }),
    },
    { description },
  );
}

const MAILBOX = { maxLength: 320, pattern: '^[^@<>\\s,;"]+@[^@<>\\s,;"]+$', '~must': 'a mail address like ops@example.com' };

const webhook = closed(
  {
    url: Type.Optional(url('The URL that gets the notifications.')),
    urlFrom: Type.Optional(fromSecret('The same in a Secret, for URLs that are secret themselves.')),
    tokenFrom: Type.Optional(fromSecret('The token that Weir sends as `Authorization: Bearer`.')),
  },
  {
    description: 'POST with JSON in the form of the webhook of Alertmanager, version 4.',
    'x-kubernetes-validations': [{ rule: 'has(self.url) != has(self.urlFrom)', message: ONE_URL }],
  },
);

const slack = closed(
  {
    urlFrom: fromSecret('The URL of the incoming webhook. Mattermost and other programs take the same form.'),
    channel: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 80,
        pattern: '^[#@A-Za-z0-9][^\\s]*$',
        description: 'Another channel than that of the webhook.',
      }),
    ),
  },
  { description: 'A message in Slack.' },
);

const email = closed(
  {
    server: Type.String({
      maxLength: 260,
      pattern: '^([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$',
      description: 'The SMTP server, as HOST:PORT.',
      '~must': 'HOST:PORT, like smtp.example.com:587',
    }),
    tls: Type.Enum(['StartTLS', 'TLS', 'None'], {
      default: 'StartTLS',
      description: 'How the connection is encrypted: by STARTTLS, which the server must offer; from its beginning; or not at all.',
    }),
    from: Type.String({ ...MAILBOX, description: 'The sender.' }),
    to: Type.Array(Type.String({ ...MAILBOX, description: 'A receiver.' }), { minItems: 1, maxItems: 32, description: 'The receivers.' }),
    username: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'The user for authentication at the server.' })),
    passwordFrom: Type.Optional(fromSecret('The password of the user.')),
  },
  {
    description: 'A mail by SMTP.',
    'x-kubernetes-validations': [
      { rule: 'has(self.username) == has(self.passwordFrom)', message: 'username and passwordFrom belong together' },
    ],
  },
);

const pagerDuty = closed(
  {
    routingKeyFrom: fromSecret('The integration key of the service.'),
    url: Type.String({ ...URL_RULES, default: 'https://events.pagerduty.com/v2/enqueue', description: 'The URL of the Events API v2.' }),
  },
  { description: 'An incident of PagerDuty for each group of alerts (Events API v2).' },
);

const alertmanager = closed(
  {
    urls: Type.Array(url('A URL of Alertmanager, without `/api/v2`.'), {
      minItems: 1,
      maxItems: 8,
      description: 'The members of the cluster; each gets all alerts.',
    }),
    tokenFrom: Type.Optional(fromSecret('The token that Weir sends as `Authorization: Bearer`.')),
  },
  { description: 'The API (v2) of Alertmanager, which groups, silences and repeats itself.' },
);

const spec = closed(
  {
    webhook: Type.Optional(webhook),
    slack: Type.Optional(slack),
    email: Type.Optional(email),
    pagerDuty: Type.Optional(pagerDuty),
    alertmanager: Type.Optional(alertmanager),
    caCertificateRef: Type.Optional(
      closed(
        { name: Type.String({ ...DnsName, description: 'The name of the Secret.' }) },
        { description: 'The Secret with the CA certificates of the server, in the entry ca.crt. By default the CAs of Node.js count.' },
      ),
    ),
    default: Type.Boolean({
      default: false,
      description: 'The channel gets the alerts of the rules of its namespace that name no channel.',
    }),
    severities: Type.Array(Type.Enum([...SEVERITIES]), {
      default: [],
      maxItems: 3,
      description: 'Only alerts of these severities are sent; without any, all.',
    }),
    groupBy: Type.Array(
      Type.String({
        minLength: 1,
        maxLength: 63,
        pattern: '^[a-zA-Z_][a-zA-Z0-9_]*$',
        description: 'A label.',
        '~must': 'the name of a label',
      }),
      {
        default: ['alertname'],
        maxItems: 8,
        description: 'Alerts with equal values of these labels are one notification.',
      },
    ),
    groupWait: time('How long the first notification of a group waits for more alerts.', { default: '10s' }),
    groupInterval: time('The shortest time between notifications of a group.', { default: '5m' }),
    repeatInterval: time('When a notification of alerts that still fire is repeated; `0s` for never.', { default: '4h' }),
    sendResolved: Type.Boolean({ default: true, description: 'The ends of alerts are told too.' }),
  },
  {
    'x-kubernetes-validations': [
      { rule: `[${CHANNEL_TYPES.map((type) => `has(self.${type})`).join(', ')}].filter(x, x).size() == 1`, message: ONE_TYPE },
    ],
  },
);

export const NotificationChannel = objectOf(`${WEIR_GROUP}/v1alpha1`, 'NotificationChannel', spec);
export type NotificationChannel = Static<typeof NotificationChannel>;
export type NotificationChannelSpec = NotificationChannel['spec'];

/** The fields with an entry of a Secret, by their path in the spec. */
export function secretEntriesOf(spec: NotificationChannelSpec): ReadonlyMap<string, { readonly name: string; readonly key: string }> {
  const { webhook: hook, slack: chat, email: mail, pagerDuty: pager, alertmanager: manager, caCertificateRef } = spec;
  const entries = {
    'webhook.urlFrom': hook?.urlFrom,
    'webhook.tokenFrom': hook?.tokenFrom,
    'slack.urlFrom': chat?.urlFrom,
    'email.passwordFrom': mail?.passwordFrom,
    'pagerDuty.routingKeyFrom': pager?.routingKeyFrom,
    'alertmanager.tokenFrom': manager?.tokenFrom,
    caCertificateRef: caCertificateRef === undefined ? undefined : { secretRef: caCertificateRef, key: 'ca.crt' },
  };
  return new Map(
    Object.entries(entries).flatMap(([field, entry]) =>
      entry === undefined ? [] : [[field, { name: entry.secretRef.name, key: entry.key }]],
    ),
  );
}
