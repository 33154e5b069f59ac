// `Timestamp` and `Duration` as text: RFC 3339 with up to nanoseconds, and seconds with an `s` after them.
import { ProtobufFault } from './fault.ts';

/** Seconds, and the rest in nanoseconds. */
export interface Seconds {
  readonly seconds: bigint;
  readonly nanos: number;
}

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/;
/** Date and time without fraction and offset. */
const LOCAL_LENGTH = 19;
const DURATION = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;
/** 0001-01-01T00:00:00Z and the second before 10000-01-01T00:00:00Z. */
const FIRST_SECOND = -62_135_596_800n;
const LAST_SECOND = 253_402_300_799n;
/** About 10,000 years. */
const MAX_DURATION = 315_576_000_000n;
const NANOS = 1_000_000_000;

export function readTimestamp(text: string): Seconds {
  const found = TIMESTAMP.exec(text);
  if (found === null) throw new ProtobufFault(`${quoted(text)} is no time of RFC 3339`);
  const local = new Date(`${text.slice(0, LOCAL_LENGTH)}Z`);
  // A day or an hour that does not exist is invalid, or another one.
  const exists = Number.isFinite(local.getTime()) && local.toISOString().startsWith(text.slice(0, LOCAL_LENGTH));
  const seconds = exists ? BigInt(local.getTime()) / 1_000n - BigInt(offsetOf(found)) : null;
  if (seconds === null || !isTime(seconds)) throw new ProtobufFault(`${quoted(text)} is no time from the year 1 to 9999`);
  return { seconds, nanos: nanosOf(found[1]) };
}

/** Seconds ahead of UTC. */
function offsetOf([, , sign, hours, minutes]: RegExpExecArray): number {
  if (sign === undefined) return 0;
  const [hour, minute] = [Number(hours), Number(minutes)];
  if (hour > 23 || minute > 59) throw new ProtobufFault('the offset of a time is invalid');
  return (sign === '-' ? -1 : 1) * (hour * 3_600 + minute * 60);
}

export function writeTimestamp({ seconds, nanos }: Seconds): string {
  if (!isTime(seconds) || nanos < 0 || nanos >= NANOS) throw new ProtobufFault('a Timestamp is no time from the year 1 to 9999');
  const at = new Date(Number(seconds) * 1_000).toISOString();
  return `${at.slice(0, at.indexOf('.'))}${fraction(nanos)}Z`;
}

function isTime(seconds: bigint): boolean {
  return seconds >= FIRST_SECOND && seconds <= LAST_SECOND;
}

export function readDuration(text: string): Seconds {
  const found = DURATION.exec(text);
  if (found === null) throw new ProtobufFault(`${quoted(text)} is no duration in seconds such as "1.5s"`);
  const seconds = BigInt(found[2] ?? '');
  if (seconds > MAX_DURATION) throw new ProtobufFault(`${quoted(text)} is longer than 10,000 years`);
  const nanos = nanosOf(found[3]);
  return found[1] === '-' ? { seconds: -seconds, nanos: nanos === 0 ? 0 : -nanos } : { seconds, nanos };
}

export function writeDuration({ seconds, nanos }: Seconds): string {
  const [whole, rest] = [seconds < 0n ? -seconds : seconds, Math.abs(nanos)];
  const isInRange = whole <= MAX_DURATION && rest < NANOS;
  const isMixed = seconds < 0n ? nanos > 0 : seconds > 0n && nanos < 0;
  if (!isInRange || isMixed) throw new ProtobufFault('a Duration is invalid');
  return `${seconds < 0n || nanos < 0 ? '-' : ''}${whole}${fraction(rest)}s`;
}

function nanosOf(digits: string | undefined): number {
  return digits === undefined ? 0 : Number(digits.padEnd(9, '0'));
}

/** With as many groups of three digits as are needed. */
function fraction(nanos: number): string {
  return nanos === 0
    ? ''
    : `.${String(nanos)
        .padStart(9, '0')
        .replace(/(?:000){1,2}$/, '')}`;
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
