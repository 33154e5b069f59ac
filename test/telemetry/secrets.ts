// A request with a secret in every place that it has, and the policy that names those which have no usual form.

const JWT = `eyJhbGciOiJIUzI1NiJ9.${Buffer.from('{"sub":"SECRET"}').toString('base64url')}.U0VDUkVUSECRET`;
export const CARD = '4111111111111111';
const BASIC = Buffer.from('user:SECRET').toString('base64');

/** What must not be found: each place has its own. */
export const SECRETS = [
  'SECRET',
  JWT.split('.')[1] as string,
  CARD,
  '4111-1111-1111-1111',
  'alice.secret@mail.example',
  'alice.secret%40mail.example',
  BASIC,
  'emp-4711',
];

/** `redaction` of a TelemetryPolicy. */
export const REDACTION = { patterns: ['emp-[0-9]+'], jsonPointers: ['/place/inner'] };

/** JSON with secrets, and `kept`, which is none. */
export const SECRET_BODY = JSON.stringify({
  password: 'SECRET-1',
  nested: { api_key: ['SECRET-2', { a: 'SECRET-3' }], note: `mail alice.secret@mail.example, card 4111-1111-1111-1111` },
  jwt: JWT,
  own: 'emp-4711',
  place: { inner: 'SECRET-4' },
  kept: 'visible',
});

/** A request for a path below this segment. */
export function secretRequest(segment: string): string {
  const head = [
    `POST /${segment}/${CARD}/alice.secret@mail.example/${JWT}?access_token=SECRET-5&code=SECRET-6&to=alice.secret%40mail.example&card=${CARD} HTTP/1.1`,
    'host: a',
    'authorization: Bearer SECRET-7',
    `proxy-authorization: Basic ${BASIC}`,
    'cookie: session=SECRET-8',
    'x-api-key: SECRET-9',
    'x-vault-token: SECRET-10',
    `x-note: Bearer ${JWT}`,
    'x-employee: emp-4711',
    `x-request-id: ${CARD}`,
    `referer: https://user:SECRET@a.example/?token=SECRET`,
    `x-forwarded-for: alice.secret@mail.example`,
    `user-agent: Basic ${BASIC}`,
    'content-type: application/json',
    `content-length: ${SECRET_BODY.length}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${SECRET_BODY}`;
}
