import { expect, test } from '@jest/globals';
import { convertPath } from './path.ts';

/** The match and the rewrite, each as one text. */
function converted(path: string, target?: string, pathType = 'ImplementationSpecific'): readonly string[] {
  const { match, filters, lost } = convertPath({ path, pathType, useRegex: /[()[\]]/.test(path), target });
  const rewrites = filters.map(({ urlRewrite }) => Object.values((urlRewrite as { path: object }).path).join(' '));
  return [`${match.type} ${match.value}`, ...rewrites, ...(lost === undefined ? [] : ['lost'])];
}

test.each([
  ['/a', undefined, ['PathPrefix /a']],
  ['/a(/|$)(.*)', '/$2', ['PathPrefix /a', 'ReplacePrefixMatch /']],
  ['/a(/|$)(.*)', '/b/$2', ['PathPrefix /a', 'ReplacePrefixMatch /b']],
  ['/a/(.*)', '/a/$1', ['PathPrefix /a']],
  ['/(.*)', '/b/$1', ['PathPrefix /', 'ReplacePrefixMatch /b']],
  ['/a/?(.*)', '/$1', ['PathPrefix /a', 'ReplacePrefixMatch /']],
  ['/a', '/', ['PathPrefix /a', 'ReplaceFullPath /']],
  ['/a(/|$)(.*)', '/$1', ['RegularExpression (?i)/a(/|$)(.*).*', 'lost']],
  ['/v[0-9]+/x', undefined, ['RegularExpression (?i)/v[0-9]+/x.*']],
])('%s with %s', (path, target, expected) => expect(converted(path, target)).toEqual(expected));
