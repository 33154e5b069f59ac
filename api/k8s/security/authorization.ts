// The group `authorization` of a SecurityPolicy: the rules that decide which callers may do what.
import { Type } from '#lib/typebox.ts';
import { choice, choices, expression, fieldName, group, ranges, text, whole } from '../setting.ts';

const MAX_RULES = 128;
const MAX_VALUES = 256;
const NAME = '[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?';

const METHOD = { minLength: 1, maxLength: 32, pattern: "^[A-Z0-9!#$%&'*+.^_`|~-]+$", '~must': 'a method in upper case, such as GET' };
const METHODS_OF_PRINCIPALS = [
  'apiKey',
  'basic',
  'jwt',
  'certificate',
  'hmac',
  'signature',
  'introspection',
  'oidc',
  'external',
  'anonymous',
] as const;
/** The days of a week, as rules name them. */
export const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;

function words(description: string, maxItems = MAX_VALUES) {
  return Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 1_024 }), { minItems: 1, maxItems, description }));
}

function ruleName(description: string) {
  const form = 'letters, digits, dots, hyphens and underscores';
  return Type.String({ minLength: 1, maxLength: 63, pattern: `^${NAME}$`, description, '~must': form });
}

function item<const P extends Parameters<typeof Type.Object>[0]>(description: string, fields: P) {
  return Type.Object(fields, { additionalProperties: false, description });
}

const role = item('One role.', {
  name: ruleName('The name of the role.'),
  permissions: words('The permissions of the role, in words that rules name, such as orders:write.'),
  principals: words('Callers with the role, by their id.'),
  groups: words('Groups of callers with the role.'),
  consumers: words('Consumers with the role, as NAMESPACE/NAME.'),
});

const claim = item('One claim.', {
  name: Type.String({ minLength: 1, maxLength: 256, description: 'Its name. Dots separate the names of claims within claims.' }),
  values: Type.Array(Type.String({ maxLength: 1_024 }), {
    minItems: 1,
    maxItems: MAX_VALUES,
    description: 'The claim is one of these texts, or a list with one of them.',
  }),
});

const { name: HEADER_NAME } = Type.Required(Type.Object({ name: fieldName('Its name.') })).properties;

const header = item('One header.', {
  name: HEADER_NAME,
  values: Type.Optional(
    Type.Array(Type.String({ maxLength: 1_024 }), {
      minItems: 1,
      maxItems: MAX_VALUES,
      description:
        'Its values. A rule that allows needs one of them in every line of the header, a rule that denies in any line. Absent: any value.',
    }),
  ),
});

const path = item('One path.', {
  type: choice(
    'Exact: the path itself. Prefix, the default: the path and all below it. Template: {name} is one segment, and ** at the end is all others.',
    ['Exact', 'Prefix', 'Template'],
  ),
  value: Type.String({ minLength: 1, maxLength: 1_024, description: 'The path, without query.' }),
});

const time = item('One time of the week.', {
  days: choices('The days on which it begins. Every day, when absent.', DAYS),
  from: text('The first minute, such as 08:00.', { maxLength: 5, form: '([01][0-9]|2[0-3]):[0-5][0-9]' }),
  to: text('The end, such as 18:00, or 24:00. If it is before the beginning, it is on the next day.', {
    maxLength: 5,
    form: '([01][0-9]|2[0-3]):[0-5][0-9]|24:00',
  }),
  zone: text('The time zone, such as Europe/Berlin. UTC, when absent.', { maxLength: 64, form: '[A-Za-z0-9+_/-]+' }),
});

const rule = item('One rule. All of its conditions must hold; of a list one value is enough.', {
  name: ruleName('The name of the rule, in logs, metrics and weir explain.'),
  action: Type.Enum(['Allow', 'Deny'], { description: 'The handling of a request that matches.' }),
  principal: group('Conditions on the caller. A request without an authenticated caller has only an address and headers.', {
    ids: words('The id of the caller.'),
    groups: words('One of its groups.'),
    consumers: words('Its Consumer, as NAMESPACE/NAME.'),
    plans: words('The plan of its Consumer.'),
    methods: choices('How it was authenticated.', METHODS_OF_PRINCIPALS),
    claims: Type.Optional(Type.Array(claim, { minItems: 1, maxItems: 16, description: 'Claims. All of them must match.' })),
    scopes: words('Scopes of its token (the claims scope and scp). It must have all of them.', 32),
    roles: words('One of its roles.'),
    permissions: words('One of the permissions of its roles.'),
    clientCIDRs: ranges('The address of the client behind trusted proxies, or else of the peer.', 1_024),
    headers: Type.Optional(Type.Array(header, { minItems: 1, maxItems: 16, description: 'Headers. All of them must match.' })),
  }),
  operation: group('Conditions on what the caller does.', {
    methods: Type.Optional(Type.Array(Type.String(METHOD), { minItems: 1, maxItems: 32, description: 'The method of the request.' })),
    paths: Type.Optional(Type.Array(path, { minItems: 1, maxItems: 64, description: 'The path of the request.' })),
  }),
  times: Type.Optional(Type.Array(time, { minItems: 1, maxItems: 16, description: 'When it holds.' })),
  when: expression('A further condition. If it has no value, a rule that allows does not match, and a rule that denies does.'),
});

export const authorization = whole(
  'The rights of callers. The first rule that matches decides; refused requests are answered with 403. A nearer policy replaces all of it.',
  {
    defaultAction: choice('The handling of a request that no rule matches.', ['Deny', 'Allow']),
    mode: choice('DryRun: every request passes; logs and metrics tell what Enforce, the default, would refuse.', ['Enforce', 'DryRun']),
    roles: Type.Optional(Type.Array(role, { maxItems: 64, description: 'Roles of callers, with their permissions.' })),
    rules: Type.Optional(Type.Array(rule, { maxItems: MAX_RULES, description: 'The rules, in the order in which they are asked.' })),
  },
);
