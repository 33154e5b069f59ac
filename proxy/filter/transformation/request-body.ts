// Changes the bodies of requests (`request.body` of an HTTPPolicy).
import type { Facts } from '#api/expression/facts.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { ERRORS, withDetail, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { getHeader, hasHeader, setHeader } from '../../exchange/headers.ts';
import type { BodyStage } from '../../exchange/body-stage.ts';
import { replaceRequest } from '../../exchange/replaced-body.ts';
import type { FilterDependencies } from '../filter.ts';
import { BodyChanges, type BodyProblem } from './body-changes.ts';
import { formOfName, formOfType, isOtherCharset, type BodyForm } from './body-form.ts';

type Settings = NonNullable<NonNullable<PolicySettings<'HTTPPolicy'>['request']>['body']>;

const PROBLEMS: Readonly<Record<BodyProblem, ExchangeError>> = {
  unreadable: withDetail(ERRORS.bodyUnreadable, 'the body is not what its Content-Type says, or is nested too deep'),
  unwritable: withDetail(ERRORS.bodyUnreadable, 'the body cannot have the form that the backend gets'),
  tooLarge: withDetail(ERRORS.requestBodyTooLarge, 'the changed body is larger than maxSize'),
};

export class RequestBody {
  readonly #changes: BodyChanges;
  readonly #format: BodyForm | null;
  readonly #wholeBody: FilterDependencies['wholeBody'];

  constructor({ format, ...edits }: Settings, wholeBody: FilterDependencies['wholeBody']) {
    this.#changes = new BodyChanges(edits, 'request');
    this.#format = format === undefined ? null : formOfName(format);
    this.#wholeBody = wholeBody;
  }

  /** The form of the body; null: it is not changed. */
  formOf(exchange: Exchange): BodyForm | null {
    if (exchange.requestLength === 0 || exchange.upgrade !== '' || exchange.grpc) return null;
    return formOfType(getHeader(exchange.requestHeaders, 'content-type'));
  }

  /** The stage that replaces the body, the error of a body that cannot be changed; null: the exchange is over. */
  async change(exchange: Exchange, from: BodyForm, facts: Facts): Promise<BodyStage | ExchangeError | null> {
    if (hasHeader(exchange.requestHeaders, 'content-encoding')) return ERRORS.contentCodingRefused;
    if (isOtherCharset(getHeader(exchange.requestHeaders, 'content-type'))) return PROBLEMS.unreadable;
    const { signal } = exchange;
    const bytes = await this.#wholeBody(exchange, this.#changes.maxSize);
    if (signal.aborted) return null;
    if (bytes === null) return ERRORS.requestBodyTooLarge;
    const to = this.#format ?? from;
    const changed = this.#changes.change(bytes, { from, to, facts });
    if (!changed.ok) return PROBLEMS[changed.error];
    if (to !== from) setHeader(exchange.requestHeaders, 'content-type', to.contentType);
    return replaceRequest(exchange, changed.value);
  }
}
