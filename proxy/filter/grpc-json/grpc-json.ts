// Makes gRPC calls of requests with JSON, and JSON of their answers (`grpcJson` of an HTTPPolicy).
import type { Binding } from '#api/grpc-json/binding.ts';
import type { FoundBinding } from '#api/grpc-json/binding-table.ts';
import { isHttpBody } from '#api/grpc-json/http-body.ts';
import { RequestFields } from '#api/grpc-json/request-message.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import type { JsonReading } from '#lib/protobuf/json-reader.ts';
import type { JsonWriting } from '#lib/protobuf/json-writer.ts';
import type { Result } from '#lib/result.ts';
import { ERRORS, withDetail, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { grpcStatusOf } from '../../exchange/grpc-status.ts';
import { getHeader } from '../../exchange/headers.ts';
import { requestBodyChanges } from '../../exchange/changed-body.ts';
import { reply } from '../../exchange/local-reply.ts';
import type { AnswerChange, FilterVerdict } from '../../exchange/plan.ts';
import { replaceRequest } from '../../exchange/replaced-body.ts';
import { ReplacingStage } from '../../exchange/replacing-stage.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import type { Filter, FilterKind } from '../filter.ts';
import { hidesContent, isJson } from '../request-limits/content.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import { DescriptorsInUse, type ServedDescriptors, type SourceSettings } from './descriptors-in-use.ts';
import { JsonAnswers } from './json-answers.ts';
import { JsonCall } from './json-call.ts';
import { frameOfJson, framed, JsonLines, Upload, uploadOf } from './request-stages.ts';

type Settings = NonNullable<PolicySettings<'HTTPPolicy'>['grpcJson']>;

/** The default of `maxMessageSize`. */
const MAX_MESSAGE = 4_194_304;
const LINES = /^application\/(?:x-ndjson|jsonl|x-jsonlines)\s*(?:;|$)/i;

class GrpcJson implements Filter {
  readonly name = 'grpcJson';
  readonly #descriptors: DescriptorsInUse;
  readonly #answers: JsonAnswers;
  readonly #passesUnknown: boolean;
  readonly #maxBytes: number;
  readonly #wholeBody: PolicyFilterContext['wholeBody'];
  readonly #reading: Omit<JsonReading, 'schema'>;
  readonly #writing: Omit<JsonWriting, 'schema'>;

  constructor(settings: Settings, context: PolicyFilterContext) {
    const { services = null, methodPaths, unknownRequests, unknownFields, maxMessageSize = MAX_MESSAGE } = settings;
    const { defaults, fieldNames, enums } = settings;
    const served = { services, hasMethodPaths: methodPaths === 'Enabled' };
    this.#descriptors = new DescriptorsInUse(settings as SourceSettings, served, context);
    this.#answers = new JsonAnswers(maxMessageSize, context.answerStart);
    this.#passesUnknown = unknownRequests === 'Pass';
    this.#maxBytes = maxMessageSize;
    this.#wholeBody = context.wholeBody;
    this.#reading = { ignoreUnknown: unknownFields === 'Ignore' };
    this.#writing = {
      printDefaults: defaults === 'Print',
      originalNames: fieldNames === 'Original',
      enumsAsNumbers: enums === 'Numbers',
    };
  }

  request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    if (exchange.grpc || exchange.upgrade !== '' || exchange.method === 'CONNECT') return 'continue';
    const served = this.#descriptors.current;
    return served === null ? this.#wait(exchange) : this.#find(exchange, served);
  }

  /** For the first version of the descriptors. */
  async #wait(exchange: Exchange): Promise<FilterVerdict> {
    const { signal } = exchange;
    const served = await this.#descriptors.first();
    if (signal.aborted) return 'answered';
    return served === null ? refuse(exchange, ERRORS.documentUnresolved, 'the descriptors cannot be used') : this.#find(exchange, served);
  }

  #find(exchange: Exchange, served: ServedDescriptors): FilterVerdict | Promise<FilterVerdict> {
    const found = served.table.find(exchange.method, exchange.path);
    if (found !== null && 'binding' in found) return this.#call(exchange, served, found);
    return this.#passesUnknown ? 'continue' : unknown(exchange, found);
  }

  #call(exchange: Exchange, served: ServedDescriptors, found: FoundBinding): FilterVerdict | Promise<FilterVerdict> {
    const { binding } = found;
    const fields = new RequestFields(found, exchange.query, { ...this.#reading, schema: served.schema });
    const begin = (): void => void new JsonCall(exchange, binding, { ...this.#writing, schema: served.schema });
    if (binding.body === null || exchange.requestLength === 0) {
      if (!binding.method.clientStreaming || binding.body === null) return this.#send(exchange, begin, framed(fields.messageOf('')));
      begin();
      // The end of a call is a frame of its own, also without messages.
      exchange.requestLength = UNKNOWN_LENGTH;
      return new ReplacingStage(null);
    }
    if (hidesContent(exchange.requestHeaders)) return refuse(exchange, ERRORS.contentCodingRefused, 'a coding hides the body');
    const type = getHeader(exchange.requestHeaders, 'content-type') ?? '';
    return isUpload(binding) ? this.#upload(exchange, begin, fields, binding) : this.#json(exchange, begin, fields, { binding, type });
  }

  #upload(exchange: Exchange, begin: () => void, fields: RequestFields, binding: Binding): FilterVerdict | Promise<FilterVerdict> {
    const type = getHeader(exchange.requestHeaders, 'content-type') ?? '';
    if (!binding.method.clientStreaming)
      return this.#whole(exchange, begin, (body) => framed(fields.complete(uploadOf(binding, type, body))));
    begin();
    requestBodyChanges(exchange);
    return new Upload(fields, binding, type);
  }

  #json(
    exchange: Exchange,
    begin: () => void,
    fields: RequestFields,
    { binding, type }: { readonly binding: Binding; readonly type: string },
  ): FilterVerdict | Promise<FilterVerdict> {
    if (binding.method.clientStreaming && LINES.test(type)) {
      begin();
      requestBodyChanges(exchange);
      return new JsonLines(fields, this.#maxBytes);
    }
    // Pages of other origins may send other types without being asked for permission (CORS).
    if (!isJson(exchange.requestHeaders)) return refuse(exchange, ERRORS.mediaTypeRefused, 'the body must be JSON');
    return this.#whole(exchange, begin, (body) => frameOfJson(fields, body));
  }

  async #whole(exchange: Exchange, begin: () => void, frame: (body: Buffer) => Result<Buffer>): Promise<FilterVerdict> {
    const { signal } = exchange;
    const body = await this.#wholeBody(exchange, this.#maxBytes);
    if (signal.aborted) return 'answered';
    if (body === null) return refuse(exchange, ERRORS.requestBodyTooLarge, 'the body is larger than maxMessageSize');
    return this.#send(exchange, begin, frame(body));
  }

  #send(exchange: Exchange, begin: () => void, frame: Result<Buffer>): FilterVerdict {
    if (!frame.ok) return refuse(exchange, ERRORS.messageInvalid, frame.error);
    begin();
    return replaceRequest(exchange, frame.value);
  }

  response(exchange: Exchange): AnswerChange | Promise<AnswerChange> {
    const call = exchange.translation;
    return call instanceof JsonCall ? this.#answers.translate(exchange, call) : undefined;
  }

  dispose(): void {
    this.#descriptors.close();
  }
}

/** Whether the body of a request is that of an HttpBody. */
function isUpload({ method, body }: Binding): boolean {
  if (body === '*') return isHttpBody(method.input);
  return body !== null && !body.isList && body.map === null && isHttpBody(body.message);
}

/** `methods`: those that the path has; null: it has none. */
function unknown(exchange: Exchange, methods: readonly string[] | null): FilterVerdict {
  const verdict = refuse(exchange, ERRORS.grpcMethodUnknown, methods === null ? 'unknown path' : 'unknown method for the path');
  if (methods === null) return verdict;
  exchange.status = 405;
  exchange.responseHeaders.push('allow', methods.join(', '));
  return verdict;
}

/** Answers with a status of gRPC as JSON. `reason` tells the client what is wrong with its own request. */
function refuse(exchange: Exchange, error: ExchangeError, reason: string): FilterVerdict {
  exchange.error = withDetail(error, reason);
  const status = { code: grpcStatusOf(error), message: `${error.title}: ${reason}`, details: [] };
  reply(
    exchange,
    error.status,
    ['content-type', 'application/json', 'cache-control', 'no-store'],
    Buffer.from(`${JSON.stringify(status)}\n`),
  );
  return 'answered';
}

export const grpcJson: FilterKind = {
  name: 'grpcJson',
  ofPolicies: (policies) => {
    if (policies.settings('HTTPPolicy').settings.grpcJson?.mode === 'Disabled') return null;
    return policies.filterOf('HTTPPolicy', ['grpcJson'], ({ grpcJson: own = {} }, context) => new GrpcJson(own, context));
  },
};
