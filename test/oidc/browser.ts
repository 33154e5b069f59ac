// A small browser for tests: cookies by origin, redirects on demand, the forms of the provider's login.
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';

/** As browsers send them when a user follows a link. */
export const NAVIGATION = { accept: 'text/html,*/*', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

export interface Page {
  readonly url: string;
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

export interface Visit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export class Browser {
  /** By origin, then by name. */
  readonly cookies = new Map<string, Map<string, string>>();

  /** The CA certificates that it trusts, PEM. */
  readonly #ca: string;

  constructor(ca = '') {
    this.#ca = ca;
  }

  /** One request; redirects are not followed. */
  async get(url: string, { method = 'GET', headers = NAVIGATION, body }: Visit = {}): Promise<Page> {
    const { origin } = new URL(url);
    const jar = this.jar(origin);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const all = { ...headers, ...(cookie === '' ? {} : { cookie }) };
    const options = { method, headers: all, agent: false };
    const request = url.startsWith('https:') ? https.request(url, { ...options, ca: this.#ca }) : http.request(url, options);
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk as string;
    for (const line of response.headers['set-cookie'] ?? []) keep(jar, line);
    return { url, status: response.statusCode ?? 0, headers: response.headers, text };
  }

  jar(origin: string): Map<string, string> {
    const jar = this.cookies.get(origin) ?? new Map<string, string>();
    this.cookies.set(origin, jar);
    return jar;
  }

  /** Follows redirects and fills in the provider's forms until `until` says that the next URL is the last, which is not requested. */
  async logIn(url: string, user: string, until: (next: string) => boolean): Promise<string> {
    let page = await this.get(url);
    for (let steps = 0; steps < 20; steps++) {
      const { location } = page.headers;
      if (location !== undefined) {
        const next = new URL(location, page.url).href;
        if (until(next)) return next;
        page = await this.get(next);
      } else page = await this.#submit(page, user);
    }
    throw new Error('the login does not end');
  }

  #submit({ url, text }: Page, user: string): Promise<Page> {
    const action = /<form[^>]*action="([^"]+)"/.exec(text)?.[1];
    const prompt = /name="prompt" value="([^"]+)"/.exec(text)?.[1];
    if (action === undefined || prompt === undefined) throw new Error(`${url} is no page of the login: ${text}`);
    const form = new URLSearchParams({ prompt, ...(prompt === 'login' ? { login: user, password: 'any' } : {}) });
    const headers = { ...NAVIGATION, 'content-type': 'application/x-www-form-urlencoded' };
    return this.get(new URL(action, url).href, { method: 'POST', headers, body: form.toString() });
  }
}

function keep(jar: Map<string, string>, line: string): void {
  const [, name = '', value = '', attributes = ''] = /^([^=]+)=([^;]*)(.*)$/.exec(line) ?? [];
  const isGone = /max-age=0/i.test(attributes) || /expires=thu, 01 jan 1970/i.test(attributes);
  if (isGone) jar.delete(name);
  else jar.set(name, value);
}
