// A sample request and an answer to it on their way through the filters that change messages, without traffic.
import type { PrincipalSource } from '#api/expression/facts.ts';
import type * as ir from '#api/ir/ir.ts';
import { explain, type Winner } from '#api/match/explain.ts';
import { buildTable } from '#api/match/table.ts';
import { PolicyIndex } from '#api/policy/layers.ts';
import type { BodyStage, StageOutlet } from '../exchange/body-stage.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import { Exchange, type DownstreamConnection } from '../exchange/exchange.ts';
import type { RequestFilter, ResponseFilter } from '../exchange/plan.ts';
import type { Principal } from '../exchange/principal.ts';
import { AnswerRefusal } from '../exchange/replaced-body.ts';
import type { DownstreamStream } from '../exchange/stream.ts';
import type { FilterDependencies } from '../filter/filter.ts';
import { FilterPool } from '../filter/filter-pool.ts';
import { requestHeaderModifier, responseHeaderModifier } from '../filter/header-modifier.ts';
import { RulePolicies } from '../filter/rule-policies.ts';
import { requestTransformation } from '../filter/transformation/request-transformation.ts';
import { responseTransformation } from '../filter/transformation/response-transformation.ts';
import { urlRewrite } from '../filter/url-rewrite.ts';
import { agree } from '../listener/protocol.ts';
import type { SampleRequest } from './sample-request.ts';

/** The answer of the backend. */
export interface SampleAnswer {
  readonly status: number;
  /** Flat pairs of a lower-case name and a value. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export interface Sample extends SampleRequest {
  readonly body: Buffer;
  readonly from: string;
  readonly principal: PrincipalSource | null;
  readonly answer: SampleAnswer;
}

/** A message at one moment. `line`: method and target, or the status. */
export interface TrialMessage {
  readonly line: string;
  readonly headers: readonly string[];
  readonly body: string;
}

/** A message before and after its filters. */
export interface Change {
  readonly before: TrialMessage;
  readonly after: TrialMessage;
}

export interface Trial {
  /** `<kind>/<namespace>/<name>/<rule>` of the route. */
  readonly route: string;
  readonly request: Change;
  /** Null: the request is refused. */
  readonly answer: Change | null;
  /** The status and code of a refusal; null: none. */
  readonly refusal: { readonly status: number; readonly code: string; readonly detail: string } | null;
}

/** In the order of the proxy. */
const KINDS = [requestHeaderModifier, urlRewrite, requestTransformation, responseTransformation, responseHeaderModifier];

/** The resources that decide. */
export interface TrialConfig {
  readonly listeners: readonly ir.Listener[];
  readonly routes: readonly ir.Route[];
  readonly policies: readonly ir.Policy[];
}

/** Tries the rule that gets the request; null: no rule does. */
export async function trySample({ listeners, routes, policies }: TrialConfig, sample: Sample): Promise<Trial | null> {
  const onPort = listeners.filter(({ port, protocol }) => port === sample.port && protocol !== 'UDP');
  const { winner } = explain(buildTable(agree(onPort, null).served, routes), sample.request);
  return winner === null ? null : tryRule(winner, new PolicyIndex(policies), sample);
}

/** Runs the filters. */
async function tryRule({ route, listener, prefixLength }: Winner, policies: PolicyIndex, sample: Sample): Promise<Trial> {
  const exchange = exchangeOf(sample, prefixLength);
  const bodies = { request: sample.body, answer: sample.answer.body };
  // The filters use nothing else.
  const dependencies = {
    security: { emit: () => undefined },
    wholeBody: (_: Exchange, max: number) => Promise.resolve(bodies.request.length > max ? null : bodies.request),
    wholeAnswer: (_: Exchange, max: number) => Promise.resolve(bodies.answer.length > max ? null : bodies.answer),
  } as unknown as FilterDependencies;
  const chain = new FilterPool(dependencies, KINDS).chain(route.filters, new RulePolicies(policies, route, listener));
  const before = requestNow(exchange, bodies.request);
  const replaced = await runRequest(exchange, chain.request ?? [], bodies.request);
  const request = { before, after: requestNow(exchange, replaced ?? bodies.request) };
  if (replaced === null) return { route: route.key, request, answer: null, refusal: refusalOf(exchange.error) };
  exchange.status = sample.answer.status;
  exchange.responseHeaders = [...sample.answer.headers];
  exchange.responseLength = bodies.answer.length;
  const answerBefore = answerNow(exchange, bodies.answer);
  const { body, error } = await runAnswer(exchange, chain.response ?? [], bodies);
  const answer = { before: answerBefore, after: answerNow(exchange, body) };
  return { route: route.key, request, answer: error === null ? answer : null, refusal: refusalOf(error) };
}

function refusalOf(error: ExchangeError | null): Trial['refusal'] {
  return error === null ? null : { status: error.status, code: error.code, detail: error.detail };
}

function exchangeOf({ port, secured, request, body, from, principal }: Sample, prefixLength: number): Exchange {
  const connection = { remoteAddress: from, localPort: port, tls: secured ? {} : null } as DownstreamConnection;
  const exchange = new Exchange(connection, {} as DownstreamStream, 0);
  const { method, host, path, query, headers, own } = request;
  Object.assign(exchange, { method, host, path, query, hasQuery: query !== '', authority: own?.authority ?? host, prefixLength });
  exchange.requestHeaders = [...headers];
  exchange.requestLength = body.length;
  exchange.principal = principal as Principal | null;
  return exchange;
}

/** The body that the backend gets; null: the request is refused. */
async function runRequest(exchange: Exchange, filters: readonly RequestFilter[], sent: Buffer): Promise<Buffer | null> {
  let body = sent;
  for (const filter of filters) {
    const verdict = await filter.request(exchange);
    if (verdict === 'answered') return null;
    if (verdict !== 'continue') body = throughStage(verdict, body);
  }
  return body;
}

async function runAnswer(
  exchange: Exchange,
  filters: readonly ResponseFilter[],
  bodies: { answer: Buffer },
): Promise<{ readonly body: Buffer; readonly error: ExchangeError | null }> {
  for (const filter of filters) {
    const change = await filter.response(exchange);
    if (change instanceof AnswerRefusal) return { body: bodies.answer, error: change.error };
    if (change !== undefined) bodies.answer = throughStage(change, bodies.answer);
  }
  return { body: bodies.answer, error: null };
}

function throughStage(stage: BodyStage, body: Buffer): Buffer {
  const out: Buffer[] = [];
  const outlet: StageOutlet = {
    data: (chunk) => out.push(Buffer.from(chunk)) > 0,
    end: () => undefined,
    leave: () => false,
    ready: () => undefined,
    fail: () => undefined,
    failed: (bug) => {
      throw bug;
    },
  };
  if (body.length > 0) stage.data(body, outlet);
  stage.end(null, outlet);
  return Buffer.concat(out);
}

function requestNow({ method, path, query, hasQuery, authority, requestHeaders }: Exchange, body: Buffer): TrialMessage {
  return {
    line: `${method} ${path}${hasQuery ? `?${query}` : ''}`,
    headers: ['host', authority, ...requestHeaders],
    body: body.toString(),
  };
}

function answerNow({ status, responseHeaders }: Exchange, body: Buffer): TrialMessage {
  return { line: String(status), headers: [...responseHeaders], body: body.toString() };
}
