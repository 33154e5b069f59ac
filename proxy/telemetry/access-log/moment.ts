// The time of a line of the access log. All lines of one second share the text of the second.
import { turnTime } from '#lib/turn-clock.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** `.000Z` to `.999Z`. */
const FRACTIONS = Array.from({ length: 1_000 }, (_, ms) => `.${String(ms).padStart(3, '0')}Z`);
/** The decimal places of milliseconds, by microseconds: '' for 0, `.5` for 500. */
const THOUSANDTHS = Array.from({ length: 1_000 }, (_, us) => (us === 0 ? '' : `.${String(us).padStart(3, '0').replace(/0+$/, '')}`));

/** The end of the request or connection of a line. One object serves all lines of a log. */
export class Moment {
  /** The duration, milliseconds. */
  ms = 0;
  #turn = -1;
  #now = 0;
  #second = -1;
  #text = '';
  #isoTime = -1;
  #iso = '';
  #commonSecond = -1;
  #common = '';

  /** Milliseconds since 1970, read once per turn of the event loop. */
  get now(): number {
    const turn = turnTime();
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#now = Date.now();
    }
    return this.#now;
  }

  /** A time in milliseconds since 1970 as ISO 8601. */
  iso(time: number): string {
    if (time === this.#isoTime) return this.#iso;
    const second = Math.floor(time / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = new Date(second * 1_000).toISOString().slice(0, -5);
    }
    this.#isoTime = time;
    return (this.#iso = this.#text + (FRACTIONS[time - second * 1_000] as string));
  }

  /** The time in the Common Log Format, without milliseconds. */
  common(time: number): string {
    const second = Math.floor(time / 1_000);
    if (second !== this.#commonSecond) {
      this.#commonSecond = second;
      const [date = '', clock = ''] = new Date(second * 1_000).toISOString().split('T');
      const [year, month, day] = date.split('-');
      this.#common = `${day}/${MONTHS[Number(month) - 1]}/${year}:${clock.slice(0, 8)} +0000`;
    }
    return this.#common;
  }
}

/** Milliseconds with at most three decimal places, as a number in JSON. */
export function millis(ms: number): string {
  const micros = Math.round(ms * 1_000);
  const whole = Math.floor(micros / 1_000);
  return whole + (THOUSANDTHS[micros - whole * 1_000] as string);
}
