// Finds secrets in text by their form, in one pass over it: card numbers, e-mail addresses, tokens, private keys, credentials in URLs. Every
// look around a character is bounded or never repeated, so that hostile text costs linear time.
import { endOfCard, isDigit } from './card-number.ts';
import { beginOfLocal, endOfDomain, isWordPart } from './email-address.ts';

/** The kinds of secrets that are found by their form. */
export type SecretForm = 'Cards' | 'Emails' | 'Tokens';

/** A part of a text: from `begin` up to `end`. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

const MAX_USERINFO = 256;
const MIN_JWT_HEADER = 16;
const MIN_TOKEN = 8;
const MIN_KEY = 16;
const MAX_CHECKED = 64;
const MAX_PEM_LABEL = 40;
/** What well-known services begin their keys with. */
const KEY_PREFIXES = [
  'ghp_',
  'gho_',
  'ghs_',
  'github_pat_',
  'glpat-',
  'xoxb-',
  'xoxp-',
  'xapp-',
  'sk_live_',
  'rk_live_',
  'AKIA',
  'ASIA',
  'AIza',
  'sk-',
  'npm_',
];

const AT = 0x40;
const PERCENT = 0x25;
const DASH = 0x2d;
const DOT = 0x2e;
const COLON = 0x3a;
const SPACE = 0x20;

/** token68 of RFC 9110. */
function isToken(code: number): boolean {
  return isWordPart(code) || code === DOT || code === 0x7e || code === 0x2b || code === 0x2f || code === 0x3d;
}

/** The pairs of characters of ASCII with which a secret may show itself. Most text has few of them, and only they are looked at. */
const ASCII = 128;
const PAIRS: Uint8Array = pairs();

function pairs(): Uint8Array {
  const marked = new Uint8Array(ASCII * ASCII);
  const mark = (pair: string): void => void (marked[pair.charCodeAt(0) * ASCII + pair.charCodeAt(1)] = 1);
  const every = Array.from({ length: ASCII }, (_, code) => String.fromCharCode(code));
  for (const pair of ['%4', 'ey', 'be', 'bE', 'Be', 'BE', 'ba', 'bA', 'Ba', 'BA', '--', ...KEY_PREFIXES]) mark(pair);
  for (const first of '@=:') for (const second of every) mark(first + second);
  for (const first of '23456') for (const second of '0123456789 -') mark(first + second);
  return marked;
}

/** Whether a secret may show itself at this character, by it and the next one. */
export function isSuspicious(code: number, next: number): boolean {
  if (code >= ASCII) return false;
  // Beyond ASCII, and behind the end.
  return next < ASCII ? PAIRS[code * ASCII + next] === 1 : code === AT || code === COLON || code === 0x3d;
}

/** Finds the secrets of one text. */
export class SecretFinder {
  readonly #text: string;
  readonly #forms: ReadonlySet<SecretForm>;
  /** No JWT begins before. */
  #noJwtBefore = 0;

  constructor(text: string, forms: ReadonlySet<SecretForm>) {
    this.#text = text;
    this.#forms = forms;
  }

  /** The secret that shows itself at a character; parts of it may be before, down to `from`. Null: none. */
  at(i: number, from: number): Span | null {
    const code = this.#text.charCodeAt(i);
    if (isDigit(code)) return this.#forms.has('Cards') ? this.#card(i) : null;
    if (code === AT) return this.#forms.has('Emails') ? this.#email(i, i + 1, from) : null;
    if (code === PERCENT) return this.#forms.has('Emails') && this.#text.startsWith('40', i + 1) ? this.#email(i, i + 3, from) : null;
    return this.#forms.has('Tokens') ? this.#token(i, code) : null;
  }

  #card(begin: number): Span | null {
    const end = endOfCard(this.#text, begin);
    return end < 0 ? null : { begin, end };
  }

  #email(at: number, after: number, from: number): Span | null {
    const begin = beginOfLocal(this.#text, at, from);
    const end = begin === at ? -1 : endOfDomain(this.#text, after);
    return end < 0 ? null : { begin, end };
  }

  #token(i: number, code: number): Span | null {
    switch (code) {
      case 0x65: // e
        return this.#jwt(i);
      case 0x42: // B
      case 0x62: // b
        return this.#credentials(i);
      case DASH:
        return this.#privateKey(i);
      case COLON:
        return this.#userInfo(i);
      default:
        return null;
    }
  }

  /** The key of a well-known service that begins at a character. */
  key(i: number): Span | null {
    const text = this.#text;
    if (!this.#forms.has('Tokens')) return null;
    if (i > 0 && isWordPart(text.charCodeAt(i - 1))) return null;
    const prefix = KEY_PREFIXES.find((each) => text.startsWith(each, i));
    if (prefix === undefined) return null;
    const end = this.#endOf(i + prefix.length, isWordPart);
    return end - i - prefix.length >= MIN_KEY && /[0-9]/.test(text.slice(i, end)) ? { begin: i, end } : null;
  }

  /** Two to five parts with dots; the header begins with `{"`, which is eyJ in base64. */
  #jwt(i: number): Span | null {
    const text = this.#text;
    if (i < this.#noJwtBefore || !text.startsWith('yJ', i + 1)) return null;
    let end = this.#endOf(i, isWordPart);
    // Whatever begins within this part ends with it.
    this.#noJwtBefore = end;
    if (end - i < MIN_JWT_HEADER || text.charCodeAt(end) !== DOT) return null;
    for (let parts = 1; parts < 5 && text.charCodeAt(end) === DOT; parts++) end = this.#endOf(end + 1, isWordPart);
    return { begin: i, end };
  }

  /** `Bearer TOKEN`, `Basic BASE64`, with a blank that may be encoded. */
  #credentials(i: number): Span | null {
    const text = this.#text;
    const scheme = ['bearer', 'basic'].find((each) => text.slice(i, i + each.length).toLowerCase() === each);
    if (scheme === undefined) return null;
    let begin = i + scheme.length;
    if (text.startsWith('%20', begin)) begin += 3;
    else if (text.charCodeAt(begin) === SPACE || text.charCodeAt(begin) === 0x2b) begin += 1;
    else return null;
    // A bounded part decides, since much text may follow that is none.
    const value = text.slice(begin, this.#endOf(begin, isToken, MAX_CHECKED));
    return value.length >= MIN_TOKEN && isCredential(scheme, value) ? { begin, end: this.#endOf(begin, isToken) } : null;
  }

  #privateKey(i: number): Span | null {
    const text = this.#text;
    if (!text.startsWith('-----BEGIN ', i)) return null;
    const label = text.slice(i + 11, i + 11 + MAX_PEM_LABEL);
    if (!label.includes('PRIVATE KEY')) return null;
    const end = text.indexOf('-----END', i + 11);
    return { begin: i, end: end < 0 ? text.length : end };
  }

  /** The user and the password of a URL. */
  #userInfo(i: number): Span | null {
    const text = this.#text;
    if (!text.startsWith('//', i + 1)) return null;
    const begin = i + 3;
    const found = /[@\s/?#"]/.exec(text.slice(begin, begin + MAX_USERINFO));
    return found?.[0] === '@' && found.index > 0 ? { begin, end: begin + found.index } : null;
  }

  #endOf(begin: number, isPart: (code: number) => boolean, most = Infinity): number {
    let end = begin;
    while (end < this.#text.length && end - begin < most && isPart(this.#text.charCodeAt(end))) end++;
    return end;
  }
}

/** A word after `bearer` or `basic` in a sentence is no credential. */
function isCredential(scheme: string, value: string): boolean {
  if (scheme === 'basic') return Buffer.from(value, 'base64').includes(':');
  return /[^a-z]/.test(value.slice(1));
}
