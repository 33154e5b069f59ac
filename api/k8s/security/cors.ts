// The group `cors` of a SecurityPolicy: the CORS filter of the Gateway API, for all rules of the targets.
import { Type } from '#lib/typebox.ts';
import { METHODS, Origin } from '../http-filter.ts';
import { HeaderName } from '../schema.ts';
import { choices, duration, flag, whole } from '../setting.ts';

const MAX_ENTRIES = 64;

function headerNames(description: string) {
  return Type.Optional(Type.Array(HeaderName, { maxItems: MAX_ENTRIES, description }));
}

export const cors = whole(
  'Pages of other origins may read answers, and the proxy answers their preflights. The CORS filter of a rule wins. A nearer policy replaces all fields.',
  {
    allowOrigins: Type.Optional(
      Type.Array(
        { ...Origin, '~form': 'origin' },
        { maxItems: MAX_ENTRIES, description: 'The origins of these pages, such as https://example.com, https://*.example.com or *.' },
      ),
    ),
    allowMethods: choices('The methods that they may use besides GET, HEAD and POST; * is every method.', [...METHODS, '*']),
    allowHeaders: headerNames('The headers that they may send besides the simple ones; * is every header.'),
    exposeHeaders: headerNames('The headers of answers that they may read besides the simple ones; * is every header.'),
    allowCredentials: flag('They may send cookies and other credentials.'),
    maxAge: duration('How long browsers remember the answer to a preflight, in whole seconds.'),
  },
);
