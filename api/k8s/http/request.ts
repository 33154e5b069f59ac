// The group `request` of an HTTPPolicy.
import { group, pattern, text, whole } from '../setting.ts';
import { requestBodyChanges } from './body-change.ts';
import { cookieChanges, headerChanges, queryChanges, when } from './message-change.ts';

const MAX_PATH = 1_024;

const path = group('Takes the path apart, and replaces it.', {
  match: pattern('A regular expression (RE2) for the normalised path. Its groups are `path.captures`, those with a name `path.params`.'),
  template: text(
    'A template for the whole path instead, such as /users/{id}/*: {id} is one segment, * at the end the rest. Its names are `path.params`.',
    { maxLength: MAX_PATH },
  ),
  replace: text('The replacement of the matching part: text with $1 or ${name} for groups, and $$ for $.', { maxLength: MAX_PATH }),
});

export const request = whole('Changes requests before they go to the backend. A nearer policy replaces all of it.', {
  when: when('Changes requests', 'request'),
  path,
  query: queryChanges(),
  headers: headerChanges('request'),
  cookies: cookieChanges(),
  body: requestBodyChanges(),
});
