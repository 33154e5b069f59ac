// Translates gRPC-Web to gRPC and back (`grpcWeb` of an HTTPPolicy). For all filters after it, and for the backend, the request is a gRPC call.
import { bodyChanges, requestBodyChanges } from '../../exchange/changed-body.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { isGrpcType, noteStatus } from '../../exchange/grpc.ts';
import { getHeader, joinHeader, removeHeader, setHeader } from '../../exchange/headers.ts';
import type { Headers } from '../../exchange/headers.ts';
import type { AnswerChange, FilterVerdict } from '../../exchange/plan.ts';
import type { Filter, FilterKind } from '../filter.ts';
import { TextStage } from './text-stage.ts';
import { WebCall } from './web-call.ts';
import { wantsText, webTypeOf } from './web-type.ts';

const GRPC_TYPE = 'application/grpc';
/** Fields of the end of a call, which an answer without a body has in its head. */
const STATUS_FIELDS = ['grpc-status', 'grpc-message', 'grpc-status-details-bin'];

class GrpcWeb implements Filter {
  readonly name = 'grpcWeb';

  request(exchange: Exchange): FilterVerdict {
    const headers = exchange.requestHeaders;
    const type = exchange.method === 'POST' ? webTypeOf(getHeader(headers, 'content-type')) : null;
    if (type === null) return 'continue';
    exchange.translation = new WebCall(wantsText(type, joinHeader(headers, 'accept')));
    exchange.grpc = true;
    setHeader(headers, 'content-type', GRPC_TYPE + type.format);
    setHeader(headers, 'te', 'trailers');
    removeHeader(headers, 'accept');
    if (!type.isText || exchange.requestLength === 0) return 'continue';
    requestBodyChanges(exchange);
    return new TextStage();
  }

  response(exchange: Exchange): AnswerChange {
    const call = exchange.translation;
    const type = getHeader(exchange.responseHeaders, 'content-type');
    if (!(call instanceof WebCall) || type === null || !isGrpcType(type)) return;
    call.answersEarly(takeStatus(exchange));
    bodyChanges(exchange);
    setHeader(exchange.responseHeaders, 'content-type', `${GRPC_TYPE}-web${call.isText ? '-text' : ''}${type.slice(GRPC_TYPE.length)}`);
    return call;
  }
}

/** Takes the status out of the head: a page reads a head only as far as CORS exposes it. */
function takeStatus(exchange: Exchange): Headers {
  const { responseHeaders: headers } = exchange;
  const status: Headers = [];
  for (const name of STATUS_FIELDS) {
    const value = getHeader(headers, name);
    if (value !== null) status.push(name, value);
  }
  if (status.length > 0) noteStatus(exchange, null);
  for (const name of STATUS_FIELDS) removeHeader(headers, name);
  return status;
}

export const grpcWeb: FilterKind = {
  name: 'grpcWeb',
  ofPolicies: (policies) => {
    if (policies.settings('HTTPPolicy').settings.grpcWeb?.mode === 'Disabled') return null;
    return policies.filterOf('HTTPPolicy', ['grpcWeb'], () => new GrpcWeb());
  },
};
