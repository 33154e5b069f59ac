// The group `response` of an HTTPPolicy.
import { Type } from '#lib/typebox.ts';
import { choice, duration, flag, text, whole, group } from '../setting.ts';
import { answerBodyChanges } from './body-change.ts';
import { ANSWER_COOKIE, headerChanges, partName, removeParts, value, when } from './message-change.ts';

const MAX_COOKIES = 16;
const MAX_STATUSES = 16;
const PATH_FORM = '/[!-:<-~]*';
const DOMAIN_FORM = '[A-Za-z0-9.-]+';

const cookie = Type.Object(
  {
    name: partName(ANSWER_COOKIE),
    value: value('response'),
    when: when('Applies', 'response'),
    path: text('Its Path.', { maxLength: 256, form: PATH_FORM }),
    domain: text('Its Domain.', { maxLength: 253, form: DOMAIN_FORM }),
    maxAge: duration('Its Max-Age, in whole seconds.'),
    secure: flag('Only over TLS.'),
    httpOnly: flag('Not for scripts.'),
    sameSite: choice('Its SameSite.', ['Strict', 'Lax', 'None']),
  },
  { additionalProperties: false, description: 'One cookie.' },
);

const status = Type.Object(
  {
    when: when('Applies', 'response'),
    to: Type.Integer({ minimum: 200, maximum: 599, description: 'The new status.' }),
  },
  { additionalProperties: false, description: 'One status.' },
);

export const response = whole('Changes answers, also those of the proxy itself. A nearer policy replaces all of it.', {
  when: when('Changes answers', 'response'),
  status: Type.Optional(
    Type.Array(status, { maxItems: MAX_STATUSES, description: 'The new status: the first of the list whose condition holds.' }),
  ),
  headers: headerChanges('response'),
  cookies: group('Changes the cookies that answers set: removes, then sets.', {
    remove: removeParts(ANSWER_COOKIE, 'Removes the Set-Cookie of these cookies.'),
    set: Type.Optional(
      Type.Array(cookie, { maxItems: MAX_COOKIES, description: 'Sets cookies, in place of those of the backend with that name.' }),
    ),
  }),
  body: answerBodyChanges(),
});
