// Headers that tell the backend about the caller (`headersToBackend` of a SecurityPolicy), in two filters: the first removes what clients
// send under these names, before anything reads it; the last writes the values.
import { compileExpression, type Expression } from '#api/expression/expression.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { setHeader, type Headers } from '../exchange/headers.ts';
import type { FilterVerdict } from '../exchange/plan.ts';
import { requestFacts } from './facts.ts';
import type { Filter, FilterKind } from './filter.ts';

type Settings = NonNullable<PolicySettings<'SecurityPolicy'>['headersToBackend']>;

/** Removes headers, and those that a backend may take for them: many frameworks read `x_user` as `x-user`. */
class IdentityHeaders implements Filter {
  readonly name = 'identityHeaders';
  readonly #names: ReadonlySet<string>;

  constructor(settings: Settings) {
    this.#names = new Set(settings.map(({ name = '' }) => name.toLowerCase().replaceAll('_', '-')));
  }

  request({ requestHeaders }: Pick<Exchange, 'requestHeaders'>): FilterVerdict {
    for (let i = 0; i < requestHeaders.length; i += 2) {
      if (this.#has(requestHeaders[i] as string)) return this.#remove(requestHeaders);
    }
    return 'continue';
  }

  #has(name: string): boolean {
    return this.#names.has(name.includes('_') ? name.replaceAll('_', '-') : name);
  }

  #remove(headers: Headers): FilterVerdict {
    const kept: Headers = [];
    for (let i = 0; i < headers.length; i += 2) {
      if (!this.#has(headers[i] as string)) kept.push(headers[i] as string, headers[i + 1] as string);
    }
    headers.splice(0, headers.length, ...kept);
    return 'continue';
  }
}

/** Removes from a request what the first filter removes. */
export function removeIdentities(settings: Settings, requestHeaders: Headers): void {
  new IdentityHeaders(settings).request({ requestHeaders });
}

interface HeaderToBackend {
  readonly name: string;
  readonly value: Expression;
}

/** Writes headers; one whose expression has no value, or no value that a header can have, is left out. */
class HeadersToBackend implements Filter {
  readonly name = 'headersToBackend';
  readonly #headers: readonly HeaderToBackend[];

  constructor(settings: Settings) {
    this.#headers = settings.map(({ name = '', value = '' }) => ({ name: name.toLowerCase(), value: compiled(value) }));
  }

  request(exchange: Exchange): FilterVerdict {
    const facts = requestFacts(exchange);
    for (const { name, value } of this.#headers) {
      const result = value.evaluate(facts);
      const text = result.ok && typeof result.value === 'string' ? fieldValue(result.value) : null;
      if (text !== null) setHeader(exchange.requestHeaders, name, text);
    }
    return 'continue';
  }
}

/** The rules of the policy have been checked: it compiles. */
function compiled(source: string): Expression {
  const expression = compileExpression(source, { result: 'string' });
  if (!expression.ok) throw new Error(`${source} ${expression.error}`);
  return expression.value;
}

const CONTROL = /[\u0000-\u001f\u007f]/;
const NOT_ASCII = /[^\u0000-\u007f]/;

/** The text as a field value (RFC 9110 section 5.5), other characters than ASCII as the bytes of UTF-8; null if it cannot be one. */
function fieldValue(text: string): string | null {
  const value = text.trim();
  if (value === '' || CONTROL.test(value)) return null;
  return NOT_ASCII.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value;
}

export const identityHeaders: FilterKind = {
  name: 'identityHeaders',
  ofPolicies: (policies) =>
    policies.filterOf('SecurityPolicy', ['headersToBackend'], ({ headersToBackend: settings = [] }) => new IdentityHeaders(settings)),
};

export const headersToBackend: FilterKind = {
  name: 'headersToBackend',
  ofPolicies: (policies) =>
    policies.filterOf('SecurityPolicy', ['headersToBackend'], ({ headersToBackend: settings = [] }) => new HeadersToBackend(settings)),
};
