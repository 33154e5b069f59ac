// The group `openapi` of an HTTPPolicy.
import { documentKey } from '../policy-reference.ts';
import { choice, size, text, whole } from '../setting.ts';

export const openapi = whole(
  'Holds requests to an OpenAPI document, 3.0 or 3.1. A nearer policy replaces all of it.',
  {
    documentRef: documentKey('The document: an entry of a ConfigMap, YAML or JSON, at most 1 MiB.', 'openapi'),
    request: choice(
      'Requests that do not fit the document. Enforce: they get 400 with all their faults. Report: the security log says so. Off: nothing is checked.',
      ['Enforce', 'Report', 'Off'],
    ),
    unknownPaths: choice('Paths and methods that the document does not have. Refuse: they get 404 or 405. Pass: they are not checked.', [
      'Refuse',
      'Pass',
    ]),
    basePath: text('The beginning of all paths of the document as clients send them, in place of those of its servers.', {
      maxLength: 1_024,
      form: '(/[A-Za-z0-9._~!$&()*+,;=:@%-]+)*/?',
    }),
    maxBodySize: size('Bytes of a body that is checked. A larger one gets 413.', { minimum: 1 }),
  },
  { unresolved: 'stays' },
);
