// Changes of the cookies of requests, and of those that answers set.
import type { Facts } from '#api/expression/facts.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { removeCookie } from '../../exchange/cookies.ts';
import { getHeader, type Headers } from '../../exchange/headers.ts';
import { PartValues, type Valued } from './header-changes.ts';
import { condition, template, type Condition, type Template } from './template.ts';

type RequestSettings = NonNullable<NonNullable<PolicySettings<'HTTPPolicy'>['request']>['cookies']>;
type AnswerSettings = NonNullable<NonNullable<PolicySettings<'HTTPPolicy'>['response']>['cookies']>;
type AnswerCookie = NonNullable<AnswerSettings['set']>[number];

/** RFC 6265 section 4.1.1: a value cannot end its cookie. */
const COOKIE_VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/;

export class CookieChanges {
  readonly #remove: readonly string[];
  readonly #set: PartValues;

  constructor({ remove = [], set }: RequestSettings) {
    this.#remove = remove;
    this.#set = new PartValues(set, 'request');
  }

  /** The changes for the headers of a request. */
  of(facts: Facts): (headers: Headers) => void {
    const set = this.#set.of(facts);
    return (headers) => {
      for (const name of this.#remove) removeCookie(headers, name);
      for (const cookie of set) setCookie(headers, cookie);
    };
  }
}

function setCookie(headers: Headers, [name, value]: Valued): void {
  removeCookie(headers, name);
  if (value === null || !COOKIE_VALUE.test(value)) return;
  const others = getHeader(headers, 'cookie');
  const cookie = `${name}=${value}`;
  if (others === null) headers.push('cookie', cookie);
  else headers[headers.indexOf('cookie') + 1] = `${others}; ${cookie}`;
}

interface SetCookie {
  readonly name: string;
  readonly value: Template;
  readonly when: Condition;
  readonly attributes: string;
}

export class AnswerCookieChanges {
  readonly #remove: readonly string[];
  readonly #set: readonly SetCookie[];

  constructor({ remove = [], set = [] }: AnswerSettings) {
    this.#remove = remove;
    this.#set = set.map((cookie) => ({
      name: cookie.name ?? '',
      value: template(cookie.value ?? '', 'response'),
      when: condition(cookie.when, 'response'),
      attributes: attributesOf(cookie),
    }));
  }

  /** The changes for the headers of an answer. */
  of(facts: Facts): (headers: Headers) => void {
    const set = this.#set.filter(({ when }) => when(facts)).map((cookie) => [cookie, cookie.value(facts)] as const);
    return (headers) => {
      removeSetCookies(headers, new Set([...this.#remove, ...set.map(([{ name }]) => name)]));
      for (const [{ name, attributes }, value] of set)
        if (value !== null && COOKIE_VALUE.test(value)) headers.push('set-cookie', `${name}=${value}${attributes}`);
    };
  }
}

function attributesOf({ path, domain, maxAge, secure, httpOnly, sameSite }: AnswerCookie): string {
  return [
    path === undefined ? '' : `; Path=${path}`,
    domain === undefined ? '' : `; Domain=${domain}`,
    maxAge === undefined ? '' : `; Max-Age=${Math.ceil(maxAge / 1_000)}`,
    secure === true ? '; Secure' : '',
    httpOnly === true ? '; HttpOnly' : '',
    sameSite === undefined ? '' : `; SameSite=${sameSite}`,
  ].join('');
}

function removeSetCookies(headers: Headers, names: ReadonlySet<string>): void {
  if (names.size === 0) return;
  let kept = 0;
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i] as string, headers[i + 1] as string];
    if (name === 'set-cookie' && names.has(value.split('=', 1)[0]?.trim() ?? '')) continue;
    headers[kept] = name;
    headers[kept + 1] = value;
    kept += 2;
  }
  headers.length = kept;
}
