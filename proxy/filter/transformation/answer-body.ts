// Changes the bodies of answers (`response.body` of an HTTPPolicy).
import type { Facts } from '#api/expression/facts.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { ERRORS, withDetail, type ExchangeError } from '../../exchange/errors.ts';
import { mayHaveBody, varyBy } from '../../exchange/changed-body.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { isCallAnswer } from '../../exchange/grpc.ts';
import { getHeader, joinHeader, removeHeader, setHeader } from '../../exchange/headers.ts';
import type { AnswerChange } from '../../exchange/plan.ts';
import { AnswerRefusal, replaceAnswer } from '../../exchange/replaced-body.ts';
import { preferredType } from '../error-pages/accepted-type.ts';
import type { FilterDependencies } from '../filter.ts';
import { BodyChanges, type BodyProblem } from './body-changes.ts';
import { formOfName, formOfType, isOtherCharset, type BodyForm } from './body-form.ts';
import { plainBody } from './plain-body.ts';

type Settings = NonNullable<NonNullable<PolicySettings<'HTTPPolicy'>['response']>['body']>;

const PROBLEMS: Readonly<Record<BodyProblem, ExchangeError>> = {
  unreadable: withDetail(ERRORS.answerUnreadable, 'the body is not what its Content-Type says, or is nested too deep'),
  unwritable: withDetail(ERRORS.answerUnreadable, 'the body cannot have the form that the client accepts'),
  tooLarge: withDetail(ERRORS.answerTooLarge, 'the changed body is larger than maxSize'),
};

export class AnswerBody {
  readonly #changes: BodyChanges;
  readonly #formats: readonly BodyForm[];
  readonly #wholeAnswer: FilterDependencies['wholeAnswer'];

  constructor({ formats = [], ...edits }: Settings, wholeAnswer: FilterDependencies['wholeAnswer']) {
    this.#changes = new BodyChanges(edits, 'response');
    this.#formats = formats.map(formOfName);
    this.#wholeAnswer = wholeAnswer;
  }

  /** The form of the body; null: it is not changed. */
  formOf(exchange: Exchange): BodyForm | null {
    if (isCallAnswer(exchange) || !mayHaveBody(exchange)) return null;
    return formOfType(getHeader(exchange.responseHeaders, 'content-type'));
  }

  /** Replaces the body. The head is changed when the body is there. */
  async change(exchange: Exchange, from: BodyForm, facts: Facts): Promise<AnswerChange> {
    const to = this.#chosen(exchange, from);
    const { signal } = exchange;
    if (exchange.method === 'HEAD') return this.#replace(exchange, Buffer.alloc(0), from, to);
    // A part of a body is no body.
    if (exchange.status === 206 || isOtherCharset(getHeader(exchange.responseHeaders, 'content-type')))
      return new AnswerRefusal(PROBLEMS.unreadable);
    const coded = await this.#wholeAnswer(exchange, this.#changes.maxSize);
    if (signal.aborted) return undefined;
    if (coded === null) return new AnswerRefusal(ERRORS.answerTooLarge);
    const coding = joinHeader(exchange.responseHeaders, 'content-encoding');
    const bytes = coding === null ? coded : await plainBody(coded, coding, this.#changes.maxSize);
    if (signal.aborted) return undefined;
    if (bytes === null) return new AnswerRefusal(PROBLEMS.unreadable);
    const changed = this.#changes.change(bytes, { from, to, facts });
    return changed.ok ? this.#replace(exchange, changed.value, from, to) : new AnswerRefusal(PROBLEMS[changed.error]);
  }

  #replace(exchange: Exchange, body: Buffer, from: BodyForm, to: BodyForm): AnswerChange {
    const headers = exchange.responseHeaders;
    removeHeader(headers, 'content-encoding');
    if (to !== from) setHeader(headers, 'content-type', to.contentType);
    return replaceAnswer(exchange, body);
  }

  #chosen({ requestHeaders, responseHeaders }: Exchange, from: BodyForm): BodyForm {
    if (this.#formats.length === 0) return from;
    varyBy(responseHeaders, 'accept');
    const types = this.#formats.map(({ contentType }) => contentType);
    return this.#formats[preferredType(joinHeader(requestHeaders, 'accept'), types)] ?? from;
  }
}
