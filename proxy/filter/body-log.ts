// Copies the beginnings of bodies for the access log (`requestBody` and `responseBody` of `accessLog` in a TelemetryPolicy). Bodies pass
// unchanged and without delay.
import type { PolicySettings } from '#api/policy/settings.ts';
import type { BodyStage, StageOutlet } from '../exchange/body-stage.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { joinHeader, type Headers } from '../exchange/headers.ts';
import { BodyStart, LOGGED_BODIES } from '../exchange/logged-bodies.ts';
import type { AnswerChange, FilterVerdict } from '../exchange/plan.ts';
import type { Filter, FilterKind } from './filter.ts';

type Settings = NonNullable<NonNullable<PolicySettings<'TelemetryPolicy'>['accessLog']>['requestBody']>;

const DEFAULT_BYTES = 1_024;
const DEFAULT_TYPES = ['application/json', 'application/*+json', 'application/x-www-form-urlencoded', 'application/xml', 'text/*'];

/** Copies the chunks that pass. */
class CopyStage implements BodyStage {
  readonly #start: BodyStart;

  constructor(start: BodyStart) {
    this.#start = start;
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    this.#start.add(chunk);
    return out.data(chunk);
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    out.end(trailers);
  }
}

/** Which bodies are logged, and how much of them. */
class LoggedPart {
  readonly #most: number;
  readonly #types: readonly string[];

  constructor({ maxBytes = DEFAULT_BYTES, contentTypes = DEFAULT_TYPES }: Settings) {
    this.#most = maxBytes;
    this.#types = contentTypes;
  }

  /** Null: the body is not logged. Coded bodies are no text. */
  startOf(headers: Headers): BodyStart | null {
    const type = joinHeader(headers, 'content-type') ?? '';
    if (joinHeader(headers, 'content-encoding') !== null) return null;
    const media = type.split(';', 1)[0]?.trim().toLowerCase() ?? '';
    return this.#types.some((each) => fits(each.toLowerCase(), media)) ? new BodyStart(type, this.#most) : null;
  }
}

/** `*` stands for any characters, once. */
function fits(pattern: string, media: string): boolean {
  const [before = '', after] = pattern.split('*');
  if (after === undefined) return pattern === media;
  return media.length >= before.length + after.length && media.startsWith(before) && media.endsWith(after);
}

class BodyLog implements Filter {
  readonly name = 'bodyLog';
  readonly #request: LoggedPart | null;
  readonly #response: LoggedPart | null;

  constructor(request: Settings | undefined, response: Settings | undefined) {
    this.#request = request === undefined ? null : new LoggedPart(request);
    this.#response = response === undefined ? null : new LoggedPart(response);
  }

  request(exchange: Exchange): FilterVerdict {
    const start = exchange.requestLength === 0 ? null : (this.#request?.startOf(exchange.requestHeaders) ?? null);
    if (start === null) return 'continue';
    LOGGED_BODIES.request.set(exchange, start);
    return new CopyStage(start);
  }

  response(exchange: Exchange): AnswerChange {
    if (exchange.responseLength === 0 || exchange.method === 'HEAD') return;
    const start = this.#response?.startOf(exchange.responseHeaders) ?? null;
    if (start === null) return;
    LOGGED_BODIES.response.set(exchange, start);
    return new CopyStage(start);
  }
}

export const bodyLog: FilterKind = {
  name: 'bodyLog',
  ofPolicies: (policies) => {
    const { requestBody, responseBody } = policies.settings('TelemetryPolicy').settings.accessLog ?? {};
    if (requestBody === undefined && responseBody === undefined) return null;
    return policies.filterOf('TelemetryPolicy', ['accessLog'], () => new BodyLog(requestBody, responseBody));
  },
};
