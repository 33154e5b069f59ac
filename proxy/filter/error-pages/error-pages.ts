// Replaces the bodies of errors by pages (`errorPages` of an HTTPPolicy).
import { bodyIsReplaced, varyBy } from '../../exchange/changed-body.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { isCallAnswer } from '../../exchange/grpc.ts';
import { getHeader, joinHeader, setHeader } from '../../exchange/headers.ts';
import { isProblem } from '../../exchange/local-reply.ts';
import type { ObjectData } from '../../exchange/object-data.ts';
import type { AnswerChange } from '../../exchange/plan.ts';
import { ReplacingStage } from '../../exchange/replacing-stage.ts';
import type { Filter, FilterKind } from '../filter.ts';
import { preferredType } from './accepted-type.ts';
import { ErrorPage } from './error-page.ts';
import type { AnswerSource, PageSettings } from './error-page.ts';

const LEAST_ERROR = 400;

class ErrorPages implements Filter {
  readonly name = 'errorPages';
  readonly #pages: readonly ErrorPage[];

  constructor(pages: readonly PageSettings[], data: ObjectData) {
    this.#pages = pages.map((page) => new ErrorPage(page, data));
  }

  response(exchange: Exchange): AnswerChange {
    if (exchange.status < LEAST_ERROR || isCallAnswer(exchange)) return;
    const source = sourceOf(exchange);
    if (source === null) return;
    const pages = this.#pages.filter((page) => page.suits(exchange.status, source));
    if (pages.length === 0) return;
    varyBy(exchange.responseHeaders, 'accept');
    const page = preferredPage(exchange, pages);
    return page === null ? undefined : show(exchange, page, source);
  }
}

/** Null: the answer is to stay, because somebody chose its body. */
function sourceOf(exchange: Exchange): AnswerSource | null {
  const { attempt, responseHeaders, fromStore } = exchange;
  if (fromStore) return 'Backend';
  if (attempt === null || attempt.headers !== responseHeaders) return isProblem(exchange) ? 'Proxy' : null;
  // gRPC-Web has its own errors.
  return getHeader(responseHeaders, 'content-type')?.toLowerCase().startsWith('application/grpc') === true ? null : 'Backend';
}

/** The page that the client prefers; null if it prefers the answer as it is. */
function preferredPage(exchange: Exchange, pages: readonly ErrorPage[]): ErrorPage | null {
  const types = pages.map(({ contentType }) => contentType);
  const own = exchange.responseLength === 0 ? null : getHeader(exchange.responseHeaders, 'content-type');
  const preferred = preferredType(joinHeader(exchange.requestHeaders, 'accept'), own === null ? types : [...types, own]);
  return pages[preferred] ?? null;
}

function show(exchange: Exchange, page: ErrorPage, source: AnswerSource): AnswerChange {
  const body = page.render(exchange);
  const headers = exchange.responseHeaders;
  bodyIsReplaced(exchange, body.length);
  setHeader(headers, 'content-type', page.contentType);
  setHeader(headers, 'x-content-type-options', 'nosniff');
  page.answer.addTo(headers);
  if (page.status !== null) exchange.status = page.status;
  if (source === 'Backend') return exchange.method === 'HEAD' ? undefined : new ReplacingStage(body);
  exchange.localBody = body;
  return undefined;
}

export const errorPages: FilterKind = {
  name: 'errorPages',
  ofRefused: true,
  ofPolicies: (policies) => {
    if (policies.settings('HTTPPolicy').settings.errorPages?.length === 0) return null;
    return policies.filterOf('HTTPPolicy', ['errorPages'], ({ errorPages: pages = [] }, { data }) => new ErrorPages(pages, data));
  },
};
