// Answers of backends held to the operation of their request: status, headers, type and body.
import { bodyCheck, type BodyCheck, type BodyTools, type MessageFault } from './checked-request.ts';
import type { Answer, Operation } from './document.ts';
import { mediaTypeOf, rangeFor } from './media-types.ts';
import { scalarOf, shapeOf } from './shapes.ts';

/** The head of an answer. */
export interface AnswerHead {
  readonly status: number;
  /** Whether a body follows. */
  readonly hasBody: boolean;
  /** The values of a header joined by commas; null: there is none. */
  header(name: string): string | null;
}

/** What is known of an answer by its head. */
export interface CheckedHead {
  readonly faults: readonly MessageFault[];
  /** Null: the body is not checked. */
  readonly body: BodyCheck | null;
}

/** The description of a status: of its own, of its hundred, or of all others. */
export function answerFor({ answers }: Operation, status: number): Answer | null {
  return answers.get(String(status)) ?? answers.get(`${Math.floor(status / 100)}XX`) ?? answers.get('default') ?? null;
}

/** Checks the head of an answer, and says how its body is checked. An operation without answers describes none, so all fit. */
export function checkAnswer(operation: Operation, head: AnswerHead, tools: BodyTools): CheckedHead {
  if (operation.answers.size === 0) return { faults: [], body: null };
  const answer = answerFor(operation, head.status);
  if (answer === null) return { faults: [{ in: 'status', reason: 'is not in the document' }], body: null };
  const faults = checkHeaders(answer, head, tools);
  if (!head.hasBody || answer.content.length === 0) return { faults, body: null };
  const contentType = head.header('content-type') ?? '';
  const type = mediaTypeOf(contentType);
  const media = rangeFor(answer.content, type);
  if (media === null) return { faults: [...faults, { in: 'header', name: 'content-type', reason: 'is not in the document' }], body: null };
  return { faults, body: isStream(type) ? null : bodyCheck(contentType, media, 'answer', tools) };
}

/** A stream may never end. */
function isStream(type: string): boolean {
  return type === 'text/event-stream';
}

function checkHeaders({ headers }: Answer, head: AnswerHead, { document, validators }: BodyTools): readonly MessageFault[] {
  return headers.flatMap(({ name, required, schema }): readonly MessageFault[] => {
    const text = head.header(name);
    if (text === null) return required ? [{ in: 'header', name, reason: 'is required' }] : [];
    const shape = shapeOf(schema, document.references);
    // Lists and objects in headers have no sure form.
    if (schema === null || shape.types.has('array') || shape.types.has('object')) return [];
    return validators
      .of(schema, 'answer')
      .check(scalarOf(text, shape))
      .map(({ reason }) => ({ in: 'header', name, reason }));
  });
}
