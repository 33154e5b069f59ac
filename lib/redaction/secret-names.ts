// The names of headers, parameters, cookies and members whose values are secrets.

/** Ends of names, in lower case and without separators: `x-vault-token`, `db_password` and `clientSecret` end with one of them. */
const ENDINGS: readonly string[] = [
  'password',
  'passwd',
  'passphrase',
  'secret',
  'secrets',
  'token',
  'apikey',
  'accesskey',
  'privatekey',
  'subscriptionkey',
  'credential',
  'credentials',
  'authorization',
  'cookie',
  'sessionid',
  'signature',
  'cardnumber',
  'assertion',
];

/** Names that are secrets only as a whole. */
const WHOLE: ReadonlySet<string> = new Set([
  'pwd',
  'pass',
  'auth',
  'jwt',
  'sig',
  'sid',
  'otp',
  'pin',
  'cvv',
  'cvc',
  'ssn',
  'iban',
  'session',
  'samlresponse',
  'phpsessid',
  'jsessionid',
]);

/** The same, but only of parameters: members of JSON with these names are common and harmless. */
const PARAMETERS: ReadonlySet<string> = new Set(['code', 'key', 'state', 'nonce']);

/** Names beyond this length are compared by their end. */
const MAX_NAME = 128;
const MAX_KNOWN = 4_096;

export class SecretNames {
  readonly #own: ReadonlySet<string>;
  /** The same names come again and again. */
  readonly #known = new Map<string, boolean>();

  /** `own`: further names; case and separators make no difference. */
  constructor(own: Iterable<string> = []) {
    this.#own = new Set(Array.from(own, normalised));
  }

  /** Whether values with this name are secrets. */
  has(name: string): boolean {
    const short = name.length > MAX_NAME ? name.slice(-MAX_NAME) : name;
    const known = this.#known.get(short);
    if (known !== undefined) return known;
    const plain = normalised(short);
    const isSecret = WHOLE.has(plain) || this.#own.has(plain) || ENDINGS.some((ending) => plain.endsWith(ending));
    if (this.#known.size < MAX_KNOWN) this.#known.set(short, isSecret);
    return isSecret;
  }
}

/** Whether values of a parameter `NAME=VALUE` are secrets only because it is one: the code of OAuth, the key of an API. */
export function isSecretParameter(name: string): boolean {
  return PARAMETERS.has(name.toLowerCase());
}

function normalised(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}
