// The group `securityHeaders` of a SecurityPolicy.
import { choice, duration, flag, group, text, whole } from '../setting.ts';

const HEADER_TEXT = '([!-~]([ -~]*[!-~])?)?';

export const securityHeaders = group('Headers of answers that restrict what browsers do. They replace those of the backend.', {
  strictTransportSecurity: whole('Strict-Transport-Security: browsers use HTTPS only. Only answers over HTTPS have it.', {
    maxAge: duration('How long browsers remember it, in whole seconds. 0s: browsers forget it.'),
    includeSubDomains: flag('It holds for all names below the host too.'),
    preload: flag('Lists in browsers may have the host.'),
  }),
  frameOptions: choice('X-Frame-Options: the pages that may show an answer in a frame. None: the header of the backend stays.', [
    'Deny',
    'SameOrigin',
    'None',
  ]),
  referrerPolicy: choice('Referrer-Policy: how much of the address of a page its links tell.', [
    'no-referrer',
    'no-referrer-when-downgrade',
    'origin',
    'origin-when-cross-origin',
    'same-origin',
    'strict-origin',
    'strict-origin-when-cross-origin',
    'unsafe-url',
  ]),
  contentSecurityPolicy: text('Content-Security-Policy: the sources that a page may load. Empty: the header of the backend stays.', {
    maxLength: 4_096,
    form: HEADER_TEXT,
  }),
  contentTypeOptions: choice(
    'X-Content-Type-Options. NoSniff: browsers believe the Content-Type of an answer. None: the header of the backend stays.',
    ['NoSniff', 'None'],
  ),
});
