// The last text without its secrets: the spans of a request have the same path, and most requests the same authority.
import type { Redactor } from '#lib/redaction/redactor.ts';

export class LastRedaction {
  #redactor: Redactor | null = null;
  #text = '';
  #clean = '';

  /** The text, redacted. */
  of(text: string, redactor: Redactor): string {
    if (text === this.#text && redactor === this.#redactor) return this.#clean;
    this.#clean = redactor.text(text);
    this.#text = text;
    this.#redactor = redactor;
    return this.#clean;
  }
}

/** Paths of the spans of this thread. */
export const paths = new LastRedaction();
/** Authorities of the spans of this thread. */
export const authorities = new LastRedaction();
