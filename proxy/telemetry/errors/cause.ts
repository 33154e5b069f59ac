// The cause of a failure as a name that many failures share: the detail of its error without what is different each time.

/** Characters of a cause. */
const MAX_CAUSE = 160;
/** Causes of details that are remembered: most details are fixed texts. */
const MAX_KNOWN = 1_000;

export class Causes {
  readonly #redact: (text: string) => string;
  readonly #known = new Map<string, string>();

  /** `redact` hides secrets in a text. */
  constructor(redact: (text: string) => string) {
    this.#redact = redact;
  }

  /** The cause of a detail; '' without one. */
  of(detail: string): string {
    if (detail === '') return '';
    const known = this.#known.get(detail);
    if (known !== undefined) return known;
    const cause = general(this.#redact(detail.slice(0, 4 * MAX_CAUSE)));
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(detail, cause);
    return cause;
  }
}

/** Without addresses, ids, numbers and quoted values. */
function general(text: string): string {
  return text
    .replaceAll(/"[^"]{0,600}"/g, '"..."')
    .replaceAll(/\b[0-9a-f]{8,}(?:-[0-9a-f]{4,}){0,4}\b/gi, 'ID')
    .replaceAll(/\d{2,}/g, 'N')
    .slice(0, MAX_CAUSE);
}
