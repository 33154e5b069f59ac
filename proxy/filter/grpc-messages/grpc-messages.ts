// Inspects and changes the messages of gRPC calls (`grpcMessages` of an HTTPPolicy).
import { ruleFaults } from '#api/grpc-messages/rules-check.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import type { Method, Schema } from '#lib/protobuf/types.ts';
import { bodyChanges, mayHaveBody, requestBodyChanges } from '../../exchange/changed-body.ts';
import { ERRORS, withDetail } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { answersCall } from '../../exchange/grpc.ts';
import { getHeader, joinHeader, setHeader } from '../../exchange/headers.ts';
import { refuse } from '../../exchange/local-reply.ts';
import { isReadable } from '../../exchange/message-coding.ts';
import type { AnswerChange, FilterVerdict } from '../../exchange/plan.ts';
import { Slot } from '../../exchange/slot.ts';
import { requestFacts, responseFacts } from '../facts.ts';
import type { Filter, FilterKind } from '../filter.ts';
import { schemaSource, type SchemaSettings, type SchemaSource } from '../grpc-reflection/schema-source.ts';
import { InspectionStage } from './inspection-stage.ts';
import { rulesFor, type MessageRules } from './message-rules.ts';

type Settings = NonNullable<PolicySettings<'HTTPPolicy'>['grpcMessages']>;

/** The default of `maxMessageSize`: that of most implementations of gRPC. */
const MAX_MESSAGE = 4_194_304;
/** Messages of protobuf in the binary format. */
const BINARY = /^application\/grpc(?:\+proto)?\s*(?:;|$)/i;

/** The rules of a method, for both directions. */
interface MethodRules {
  readonly requests: MessageRules | null;
  readonly answers: MessageRules | null;
}

/** Those of the answer of a call. */
const ANSWER_RULES = new Slot<MessageRules>();

class GrpcMessages implements Filter {
  readonly name = 'grpcMessages';
  readonly #settings: Settings;
  readonly #source: SchemaSource;
  readonly #policy: string;
  readonly #maxBytes: number;
  /** The types that the rules below are for. */
  #schema: Schema | null = null;
  #byMethod = new Map<Method, MethodRules>();
  /** What the types do not have; '' if they have everything. */
  #fault = '';

  constructor(settings: Settings, source: SchemaSource, policy: string) {
    this.#settings = settings;
    this.#source = source;
    this.#policy = policy;
    this.#maxBytes = settings.maxMessageSize ?? MAX_MESSAGE;
  }

  request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    if (!exchange.grpc) return 'continue';
    const { value } = this.#source;
    return value === null ? this.#wait(exchange) : this.#inspect(exchange, value);
  }

  /** For the first types. */
  async #wait(exchange: Exchange): Promise<FilterVerdict> {
    await this.#source.refresh();
    if (exchange.phase === 'done') return 'answered';
    const { value, problem } = this.#source;
    return value === null ? this.#unusable(exchange, `the descriptors cannot be used: ${problem}`) : this.#inspect(exchange, value);
  }

  #unusable(exchange: Exchange, reason: string): FilterVerdict {
    return refuse(exchange, withDetail(ERRORS.documentUnresolved, `grpcMessages of ${this.#policy}: ${reason}`));
  }

  #inspect(exchange: Exchange, schema: Schema): FilterVerdict {
    if (schema !== this.#schema) this.#take(schema);
    if (this.#fault !== '') return this.#unusable(exchange, this.#fault);
    const method = schema.methods.get(exchange.path);
    if (method === undefined) return this.#unknown(exchange);
    const rules = this.#rulesOf(method, schema);
    if (rules.requests === null && rules.answers === null) return 'continue';
    if (!isBinary(exchange))
      return refuse(exchange, withDetail(ERRORS.grpcMessageMalformed, 'the messages do not have the binary format of protobuf'));
    if (rules.answers !== null) awaitAnswer(exchange, rules.answers);
    return rules.requests === null || exchange.requestLength === 0 ? 'continue' : this.#stage(exchange, rules.requests);
  }

  #stage(exchange: Exchange, rules: MessageRules): InspectionStage {
    if (rules.changes) requestBodyChanges(exchange);
    const coding = getHeader(exchange.requestHeaders, 'grpc-encoding');
    const facts = (): ReturnType<typeof requestFacts> => requestFacts(exchange);
    const logged = (exchange.messageFields ??= new Map());
    return new InspectionStage({ direction: 'request', coding, maxBytes: this.#maxBytes, rules, facts, logged });
  }

  #take(schema: Schema): void {
    this.#schema = schema;
    this.#byMethod = new Map();
    this.#fault = ruleFaults(schema, this.#settings as Parameters<typeof ruleFaults>[1])
      .map(({ field, reason }) => `${field}: ${reason}`)
      .join('; ');
  }

  #rulesOf(method: Method, schema: Schema): MethodRules {
    let known = this.#byMethod.get(method);
    if (known === undefined) {
      const { requests, answers } = this.#settings;
      known = {
        requests: rulesFor(requests, method, schema, 'request', this.#maxBytes),
        answers: rulesFor(answers, method, schema, 'response', this.#maxBytes),
      };
      this.#byMethod.set(method, known);
    }
    return known;
  }

  #unknown(exchange: Exchange): FilterVerdict {
    // The backend may have new methods. However many paths callers make up, it is asked at most once in a while.
    void this.#source.refresh();
    return this.#settings.unknownMethods === 'Pass' ? 'continue' : refuse(exchange, ERRORS.grpcMethodUnknown);
  }

  response(exchange: Exchange): AnswerChange {
    const rules = ANSWER_RULES.get(exchange);
    if (rules === null || !isOfBackend(exchange) || !mayHaveBody(exchange) || !answersCall(exchange.responseHeaders)) return undefined;
    if (rules.changes) bodyChanges(exchange);
    const coding = getHeader(exchange.responseHeaders, 'grpc-encoding');
    const facts = (): ReturnType<typeof responseFacts> => responseFacts(exchange);
    const logged = (exchange.messageFields ??= new Map());
    return new InspectionStage({ direction: 'answer', coding, maxBytes: this.#maxBytes, rules, facts, logged });
  }

  dispose(): void {
    this.#source.close();
  }
}

/** Whether the answer is that of the backend: one of the proxy has no messages, and a filter may give it a body of another form. */
function isOfBackend({ attempt, responseHeaders }: Exchange): boolean {
  return attempt !== null && attempt.headers === responseHeaders;
}

function isBinary({ requestHeaders }: Exchange): boolean {
  return BINARY.test(getHeader(requestHeaders, 'content-type') ?? '');
}

/** The backend may use only the codings that the proxy reads too. */
function awaitAnswer(exchange: Exchange, rules: MessageRules): void {
  ANSWER_RULES.set(exchange, rules);
  const accepted = joinHeader(exchange.requestHeaders, 'grpc-accept-encoding');
  if (accepted === null) return;
  const readable = accepted.split(',').filter((coding) => isReadable(coding.trim().toLowerCase()));
  setHeader(exchange.requestHeaders, 'grpc-accept-encoding', readable.length === 0 ? 'identity' : readable.join(','));
}

export const grpcMessages: FilterKind = {
  name: 'grpcMessages',
  ofPolicies: (policies) => {
    const { grpcMessages: settings } = policies.settings('HTTPPolicy').settings;
    if (settings === undefined || settings.mode === 'Disabled') return null;
    return policies.filterOf('HTTPPolicy', ['grpcMessages'], ({ grpcMessages: own = {} }, context) => {
      return new GrpcMessages(own, schemaSource(own as SchemaSettings, context), context.origins[0]?.policy ?? '');
    });
  },
};
