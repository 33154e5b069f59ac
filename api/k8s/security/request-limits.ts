// The group `requestLimits` of a SecurityPolicy.
import { choice, count, group, size } from '../setting.ts';

/** The greatest `json.depth`, and the one without it. */
export const MAX_JSON_DEPTH = 512;

const MANY = { minimum: 1, maximum: 10_000_000 };

export const requestLimits = group('Limits of the bodies of requests. A body beyond one of them is refused while it arrives.', {
  bodyBytes: size('The bytes of a body, as sent. A larger one gets 413.', { minimum: 1 }),
  json: group(
    'Limits of bodies with a JSON content type (application/json, text/json, +json). With any of them, such a body must be one valid JSON text in UTF-8.',
    {
      depth: count('Objects and arrays within each other.', { minimum: 1, maximum: MAX_JSON_DEPTH }),
      members: count('The members of one object.', MANY),
      elements: count('The elements of one array.', MANY),
      stringBytes: size('The bytes of a string or name between its quotes, as sent.', { minimum: 1 }),
      numberLength: count('The characters of a number.', { minimum: 1, maximum: 100_000 }),
      duplicateNames: choice(
        'Objects that have a name twice: backends disagree about which one counts. Refuse: they are refused, and all open objects together have at most 16384 names.',
        ['Pass', 'Refuse'],
      ),
      contentCoding: choice(
        'Bodies whose Content-Encoding hides the JSON. Refuse: they get 415. Pass: they go on without these limits, except bodyBytes.',
        ['Refuse', 'Pass'],
      ),
    },
  ),
});
