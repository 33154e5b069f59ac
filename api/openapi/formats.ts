// The formats of texts that are checked. Others say something to people only.
import { isIP } from 'node:net';

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?(z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
const LOCAL_PART = /^[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}$/i;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
const URI_CHARACTERS = /^[\w%:/?#[\]@!$&'()*+,;=.~-]*$/;

/** Longer texts have none of these formats, except those for bytes. */
const MAX_LENGTH = 2_048;

const BY_NAME: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ['date', isDate],
  ['time', (text) => TIME.test(text)],
  ['date-time', isDateTime],
  ['uuid', (text) => UUID.test(text)],
  ['email', isEmail],
  ['hostname', isHostname],
  ['ipv4', (text) => isIP(text) === 4],
  ['ipv6', (text) => isIP(text) === 6],
  ['uri', (text) => SCHEME.test(text) && URI_CHARACTERS.test(text)],
  ['uri-reference', (text) => URI_CHARACTERS.test(text)],
]);

/** The formats that are checked; each pattern above needs time in proportion to the text at most. */
export const FORMATS: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ...[...BY_NAME].map(([name, test]) => [name, (text: string) => text.length <= MAX_LENGTH && test(text)] as const),
  ['byte', (text: string) => text.length % 4 === 0 && BASE64.test(text)] as const,
]);

/** The formats of numbers that are checked, with their bounds. */
export const NUMBER_FORMATS: ReadonlyMap<string, (value: number) => boolean> = new Map([
  ['int32', (value) => Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31],
  ['int64', (value) => Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63],
]);

function isDate(text: string): boolean {
  const [, year = '', month = '', day = ''] = DATE.exec(text) ?? [];
  const date = new Date(`${text}T00:00:00Z`);
  return year !== '' && !Number.isNaN(date.getTime()) && date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day);
}

function isDateTime(text: string): boolean {
  return isDate(text.slice(0, 10)) && /^[t ]$/i.test(text.charAt(10)) && TIME.test(text.slice(11));
}

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@');
  return LOCAL_PART.test(text.slice(0, Math.max(at, 0))) && isHostname(text.slice(at + 1));
}

function isHostname(text: string): boolean {
  return text.length <= 253 && text.split('.').every((label) => LABEL.test(label));
}
