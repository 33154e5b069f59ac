// The setting `errorPages` of an HTTPPolicy.
import { Type } from '#lib/typebox.ts';
import { choice, count, statuses } from '../setting.ts';
import { answerParts } from './fixed-answer.ts';

const page = Type.Object(
  {
    statuses: statuses('The statuses of answers that it replaces, from 400 to 599. All of them, when absent.'),
    source: choice('Proxy: it replaces answers of the proxy itself. Backend: those of backends. Any: both. Proxy, when absent.', [
      'Proxy',
      'Backend',
      'Any',
    ]),
    status: count('The status of the page. That of the answer, when absent.', { minimum: 200, maximum: 599 }),
    ...answerParts,
  },
  { additionalProperties: false, description: 'One page: HTML, XML, JSON or plain text in UTF-8; HTML without contentType.' },
);

export const errorPages = Type.Optional(
  Type.Array(page, {
    maxItems: 32,
    description: 'Pages in place of the bodies of errors. The client gets that of the type it prefers. Empty: none.',
    '~unresolved': 'stays',
  }),
);
