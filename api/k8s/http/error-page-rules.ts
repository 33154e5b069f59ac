// Rules of the error pages of an HTTPPolicy that a schema cannot express.
import type { FieldError } from '../field-error.ts';
import type { PolicyObjects } from '../policies.ts';
import { BODILESS, checkAnswer } from './fixed-answer-rules.ts';
import { formOf, templateProblem } from './page-template.ts';

type Page = NonNullable<PolicyObjects['HTTPPolicy']['spec']['errorPages']>[number];

const LEAST_ERROR = 400;

/** The rules that error pages violate. */
export function checkErrorPages(pages: readonly Page[] = []): FieldError[] {
  return pages.flatMap((page, i) => {
    const field = `spec.errorPages[${i}]`;
    return [...checkStatuses(page, field), ...checkType(page, field), ...checkAnswer(page, field), ...checkBody(page, field)];
  });
}

function checkStatuses({ statuses = [], status = LEAST_ERROR }: Page, field: string): FieldError[] {
  return [
    ...statuses.flatMap((each, i) =>
      Number(String(each).split('-', 1)[0]) < LEAST_ERROR ? [{ field: `${field}.statuses[${i}]`, reason: 'must be from 400 to 599' }] : [],
    ),
    ...(BODILESS.has(status) ? [{ field: `${field}.status`, reason: 'must be that of an answer with a body' }] : []),
  ];
}

function checkType({ contentType }: Page, field: string): FieldError[] {
  if (contentType === undefined || formOf(contentType) !== null) return [];
  return [{ field: `${field}.contentType`, reason: 'must be HTML, XML, JSON or text/plain, in UTF-8' }];
}

function checkBody({ body, bodyRef }: Page, field: string): FieldError[] {
  if (body === undefined) return bodyRef === undefined ? [{ field, reason: 'must have body or bodyRef' }] : [];
  const reason = templateProblem(body);
  return reason === null ? [] : [{ field: `${field}.body`, reason }];
}
