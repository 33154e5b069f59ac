// Rules of HTTPRoute matches, and of the header matches of GRPCRoutes, that a schema cannot express: the characters of a path, and valid
// regular expressions.
import { RE2JS } from 're2js';
import { parseDuration } from '#lib/duration.ts';
import { pathExpression } from '#lib/path-template.ts';
import { repeated } from './duplicates.ts';
import type { FieldError } from './field-error.ts';
import { matchObstacle, valueObstacle } from './header-rules.ts';
import type { HttpHeaderMatch, HttpPathMatch, HttpRouteMatch, HttpRouteTimeouts } from './http-route.ts';
import { checkPathValue } from './path-rules.ts';

/** The rules that a match violates; `field` is its path. */
export function checkMatch(match: HttpRouteMatch, field: string): FieldError[] {
  return [
    ...checkPath(match.path, `${field}.path.value`),
    ...checkMethod(match.method, `${field}.method`),
    ...checkHeaderMatches(match.headers, `${field}.headers`),
    ...match.queryParams.flatMap((param, i) => checkRegexOf(param, `${field}.queryParams[${i}].value`)),
    ...checkNames(match.queryParams, `${field}.queryParams`),
  ];
}

/** The rules that the conditions on headers violate; `field` is the path of their list. */
export function checkHeaderMatches(headers: readonly HttpHeaderMatch[], field: string): FieldError[] {
  return [...headers.flatMap((header, i) => checkHeaderMatch(header, `${field}[${i}]`)), ...checkNames(headers, field)];
}

function checkHeaderMatch(header: HttpHeaderMatch, field: string): FieldError[] {
  const obstacle = matchObstacle(header.name.toLowerCase());
  if (obstacle !== null) return [{ field: `${field}.name`, reason: obstacle }];
  const broken = checkRegexOf(header, `${field}.value`);
  if (broken.length > 0 || header.type !== 'Exact') return broken;
  const valueError = valueObstacle(header.name.toLowerCase(), header.value);
  return valueError === null ? [] : [{ field: `${field}.value`, reason: valueError }];
}

/**
 * Names are the keys of the list and compare case-sensitively. Header names that differ only in case are accepted, and the first one
 * counts.
 */
function checkNames(matches: readonly { readonly name: string }[], field: string): FieldError[] {
  return repeated(matches.map(({ name }) => name)).map((i) => ({ field: `${field}[${i}].name`, reason: 'is listed twice' }));
}

function checkMethod(method: string | undefined, field: string): FieldError[] {
  return method === 'CONNECT' ? [{ field, reason: 'CONNECT can match nothing: Weir refuses it' }] : [];
}

function checkPath(path: HttpPathMatch, field: string): FieldError[] {
  if (path.type !== 'RegularExpression') return checkPathValue(path.value, field);
  const expression = pathExpression(path.value);
  return expression.ok ? checkRegex(expression.value, field) : [{ field, reason: expression.error }];
}

function checkRegexOf(match: { readonly type: string; readonly value: string }, field: string): FieldError[] {
  return match.type === 'RegularExpression' ? checkRegex(match.value, field) : [];
}

/** Proxies match with RE2, which takes linear time and therefore has no look-around and no back-references. */
export function checkRegex(pattern: string, field: string): FieldError[] {
  if (pattern === '') return [{ field, reason: 'must not be empty' }];
  try {
    RE2JS.compile(pattern);
    return [];
  } catch (error) {
    return [{ field, reason: `is not an RE2 regular expression: ${error instanceof Error ? error.message : String(error)}` }];
  }
}

/** GEP-1742: an attempt must not have more time than the whole request. Zero turns a timeout off. */
export function checkTimeouts(timeouts: HttpRouteTimeouts | undefined, field: string): FieldError[] {
  if (timeouts?.request === undefined || timeouts.backendRequest === undefined) return [];
  const request = parseDuration(timeouts.request);
  const backend = parseDuration(timeouts.backendRequest);
  if (!request.ok || !backend.ok || request.value === 0 || backend.value <= request.value) return [];
  return [{ field: `${field}.backendRequest`, reason: 'must not be longer than the request timeout' }];
}
