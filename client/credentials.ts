// How a client proves to be a caller.

/** Adds credentials to requests, and keeps those that answers change. */
export interface Credentials {
  /** The headers for a request; `isChange`: its method is not GET. */
  headers(isChange: boolean): Readonly<Record<string, string>>;
  /** Sees the headers of each answer. */
  answered(headers: Headers): void;
}

/** For operations that need none. */
export const NO_CREDENTIALS: Credentials = { headers: () => ({}), answered: () => undefined };

/** An API token, or the token of a ServiceAccount. */
export function tokenCredentials(token: string): Credentials {
  return { headers: () => ({ authorization: `Bearer ${token}` }), answered: () => undefined };
}

/** A session of a login. */
export interface Session {
  /** Name and secret, as in the header Cookie; '' before the login and after the logout. */
  readonly cookie: string;
  /** The token against forged requests. */
  readonly csrfToken: string;
}

/** The cookies of sessions: with TLS, and without. */
const COOKIE = /^((?:__Host-)?weir-session=[A-Za-z0-9._~+/=-]*)(?:;|$)/;

/** A session in a program that has no cookies of a browser. */
export class SessionCredentials implements Credentials {
  readonly #origin: string;
  #session: Session;

  /** `url`: the server, whose origin changes must come from. */
  constructor(url: string, session: Session = { cookie: '', csrfToken: '' }) {
    this.#origin = new URL(url).origin;
    this.#session = session;
  }

  get session(): Session {
    return this.#session;
  }

  /** Takes the token of an answer to a login, or to a change of the password. */
  setCsrfToken(csrfToken: string): void {
    this.#session = { ...this.#session, csrfToken };
  }

  headers(isChange: boolean): Readonly<Record<string, string>> {
    const { cookie, csrfToken } = this.#session;
    return {
      ...(cookie === '' ? {} : { cookie }),
      ...(isChange ? { origin: this.#origin } : {}),
      ...(isChange && csrfToken !== '' ? { 'weir-csrf-token': csrfToken } : {}),
    };
  }

  answered(headers: Headers): void {
    for (const each of headers.getSetCookie()) {
      const [, pair] = COOKIE.exec(each) ?? [];
      if (pair !== undefined) this.#session = { ...this.#session, cookie: pair.endsWith('=') ? '' : pair };
    }
  }
}
