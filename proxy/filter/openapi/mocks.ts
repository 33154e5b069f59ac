// Answers in place of a backend, by the examples and schemas of a document.
import { mockAnswer, preferenceOf } from '#api/openapi/mock.ts';
import type { Operation } from '#api/openapi/document.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { joinHeader } from '../../exchange/headers.ts';
import { refuse, reply } from '../../exchange/local-reply.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import { preferredType } from '../error-pages/accepted-type.ts';
import type { CompiledDocument } from './document-in-use.ts';

/** Gives a request the answer of its operation. */
export function answerWithMock(exchange: Exchange, document: CompiledDocument, operation: Operation): FilterVerdict {
  if (exchange.grpc) return refuse(exchange, ERRORS.answerNotGrpc);
  const { requestHeaders } = exchange;
  const preference = preferenceOf(joinHeader(requestHeaders, 'prefer'));
  const accept = joinHeader(requestHeaders, 'accept');
  const { status, headers, body } = mockAnswer(operation, preference, document.tools.document.references, (types) =>
    preferredType(accept, types),
  );
  reply(exchange, status, [...headers], body);
  return 'answered';
}
