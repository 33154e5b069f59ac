// An answer that a policy describes: headers, and a body that is in the policy or in an entry of a ConfigMap.
import { setHeader } from '../../exchange/headers.ts';
import type { Headers } from '../../exchange/headers.ts';
import type { DataHandle, DataReference, ObjectData } from '../../exchange/object-data.ts';
import { fieldValue } from '../text.ts';

/** The settings of an answer besides its status. */
export interface AnswerSettings {
  readonly contentType?: string;
  readonly headers?: readonly { readonly name?: string; readonly value?: string }[];
  readonly body?: string;
  readonly bodyRef?: DataReference;
}

/** The largest body, bytes: that of a ConfigMap. Objects of a folder of files may be larger. */
const MAX_BODY_BYTES = 1_048_576;
const DEFAULT_TYPE = 'text/plain; charset=utf-8';

export class FixedAnswer {
  readonly #headers: readonly string[];
  readonly #contentType: string;
  readonly #body: Buffer | null;
  readonly #entry: DataHandle | null;

  constructor({ contentType = DEFAULT_TYPE, headers = [], body, bodyRef }: AnswerSettings, data: ObjectData) {
    this.#headers = headers.flatMap(({ name = '', value = '' }) => [name.toLowerCase(), fieldValue(value)]);
    this.#contentType = contentType;
    this.#body = body === undefined ? null : Buffer.from(body);
    this.#entry = bodyRef === undefined ? null : data.handle(bodyRef);
  }

  /** Whether the settings name a body. */
  get namesBody(): boolean {
    return this.#body !== null || this.#entry !== null;
  }

  /** The body; null: there is none, or its entry cannot be used. */
  get body(): Buffer | null {
    if (this.#entry === null) return this.#body;
    const { value } = this.#entry;
    return value === null || value.length > MAX_BODY_BYTES ? null : value;
  }

  /** The headers for an answer with the body. */
  headers(): Headers {
    return [...(this.namesBody ? ['content-type', this.#contentType] : []), ...this.#headers];
  }

  /** Adds the headers to an answer with another body. */
  addTo(headers: Headers): void {
    for (let i = 0; i < this.#headers.length; i += 2) setHeader(headers, this.#headers[i] as string, this.#headers[i + 1] as string);
  }
}
