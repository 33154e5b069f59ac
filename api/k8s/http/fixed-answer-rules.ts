// Rules of the fixed answers of an HTTPPolicy that a schema cannot express.
import type { FieldError } from '../field-error.ts';
import { editObstacle } from '../header-rules.ts';
import type { PolicyObjects } from '../policies.ts';

type Spec = PolicyObjects['HTTPPolicy']['spec'];
type Answer = Pick<NonNullable<Spec['directResponse']>, 'headers' | 'body' | 'bodyRef'>;

/** Statuses of answers without a body (RFC 9110 section 6.4.1; 205 announces an empty one). */
export const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/** Headers that come from elsewhere: the reason, as the end of a sentence. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['content-type', 'comes from contentType: set that instead'],
  ['date', 'is the time of the answer, which Weir writes'],
]);

/** The rules that the fixed answers of a policy violate. */
export function checkFixedAnswers({ directResponse, maintenance }: Pick<Spec, 'directResponse' | 'maintenance'>): FieldError[] {
  return [
    ...(directResponse === undefined ? [] : checkAnswer(directResponse, 'spec.directResponse')),
    ...(directResponse === undefined ? [] : checkStatus(directResponse)),
    ...(maintenance === undefined ? [] : checkAnswer(maintenance, 'spec.maintenance')),
    ...(maintenance?.headers ?? []).flatMap(({ name }, i) =>
      name.toLowerCase() === 'retry-after'
        ? [{ field: `spec.maintenance.headers[${i}].name`, reason: 'comes from retryAfter: set that instead' }]
        : [],
    ),
  ];
}

/** The rules for the body and the headers of one answer, which is at a field. */
export function checkAnswer({ headers = [], body, bodyRef }: Answer, field: string): FieldError[] {
  const both = body !== undefined && bodyRef !== undefined;
  return [
    ...(both ? [{ field: `${field}.bodyRef`, reason: 'cannot be set together with body: remove one of them' }] : []),
    ...headers.flatMap(({ name }, i) => {
      const lower = name.toLowerCase();
      const reason = ELSEWHERE.get(lower) ?? editObstacle('response', 'set', lower);
      return reason === null ? [] : [{ field: `${field}.headers[${i}].name`, reason }];
    }),
  ];
}

function checkStatus({ status = 200, body, bodyRef }: NonNullable<Spec['directResponse']>): FieldError[] {
  if (!BODILESS.has(status)) return [];
  const fields = [...(body === undefined ? [] : ['body']), ...(bodyRef === undefined ? [] : ['bodyRef'])];
  return fields.map((name) => ({ field: `spec.directResponse.${name}`, reason: `must be absent: answers with ${status} have no body` }));
}
