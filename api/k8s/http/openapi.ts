// The group `openapi` of an HTTPPolicy.
import { dataKey, documentKey } from '../policy-reference.ts';
import { choice, size, text, whole } from '../setting.ts';

export const openapi = whole(
  'Holds requests and answers to an OpenAPI document, 3.0 or 3.1. A nearer policy replaces all of it.',
  {
    documentRef: documentKey('The document: an entry of a ConfigMap, YAML or JSON, at most 1 MiB.', 'openapi'),
    uri: text('The URL of the document instead, of http or https.', { maxLength: 2_048, form: 'https?://[!-~]+' }),
    ca: dataKey('The CA certificates of that server, PEM; those of the platform, when absent.'),
    request: choice(
      'Requests that do not fit the document. Enforce: they get 400 with all their faults. Report: the security log says so. Off: nothing is checked. Write Off in quotes: without them YAML reads false.',
      ['Enforce', 'Report', 'Off'],
    ),
    response: choice(
      'Answers of backends that do not fit the document. Refuse: the client gets 502 instead. Report: the security log says so. Off: they are not checked. Write Off in quotes.',
      ['Refuse', 'Report', 'Off'],
    ),
    mock: choice('Enabled: requests get answers made of the examples and schemas of the document, and reach no backend.', [
      'Enabled',
      'Disabled',
    ]),
    unknownPaths: choice('Paths and methods that the document does not have. Refuse: they get 404 or 405. Pass: they are not checked.', [
      'Refuse',
      'Pass',
    ]),
    basePath: text('The beginning of all paths of the document as clients send them, in place of those of its servers.', {
      maxLength: 1_024,
      form: '(/[A-Za-z0-9._~!$&()*+,;=:@%-]+)*/?',
    }),
    maxBodySize: size('Bytes of the body of a request that is checked. A larger one gets 413.', { minimum: 1 }),
    maxAnswerSize: size('Bytes of the body of an answer that is checked. A larger one does not fit.', { minimum: 1 }),
  },
  { unresolved: 'stays' },
);
