// Times of the week in a time zone, as rules of authorization have them.

/** Minutes of a day. */
const DAY = 1_440;
const MINUTE_MS = 60_000;

/** The days in the order of `Date.getDay`. */
const DAYS: readonly string[] = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** A time of the week as its author writes it. */
export interface WeekTimeSettings {
  readonly days?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly zone?: string;
}

/** The clock of a zone. It asks for the local time once a minute, because that takes microseconds. */
class ZoneClock {
  readonly #format: Intl.DateTimeFormat;
  #minute = -1;
  /** 0 is Sunday. */
  day = 0;
  /** Minutes since the beginning of the day. */
  time = 0;

  constructor(timeZone: string) {
    this.#format = new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'long', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  }

  read(now: number): void {
    const minute = Math.floor(now / MINUTE_MS);
    if (minute === this.#minute) return;
    this.#minute = minute;
    const parts = new Map(this.#format.formatToParts(now).map(({ type, value }) => [type, value]));
    this.day = DAYS.indexOf(parts.get('weekday') ?? '');
    this.time = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
  }
}

export class WeekTime {
  readonly #clock: ZoneClock;
  /** By day; null: every day. */
  readonly #days: readonly boolean[] | null;
  readonly #from: number;
  readonly #to: number;

  constructor({ days, from = '00:00', to = '24:00', zone = 'UTC' }: WeekTimeSettings) {
    this.#clock = new ZoneClock(zone);
    this.#days = days === undefined ? null : DAYS.map((day) => days.includes(day));
    this.#from = minutesOf(from);
    this.#to = minutesOf(to);
  }

  /** Whether the time (milliseconds since 1970) lies in it. */
  includes(now: number): boolean {
    const clock = this.#clock;
    clock.read(now);
    const { day, time } = clock;
    if (this.#from < this.#to) return time >= this.#from && time < this.#to && this.#begins(day);
    // It began today, or it began yesterday and has not ended.
    return (time >= this.#from && this.#begins(day)) || (time < this.#to && this.#begins((day + 6) % 7));
  }

  #begins(day: number): boolean {
    return this.#days === null || this.#days[day] === true;
  }
}

function minutesOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return Math.min(hours * 60 + minutes, DAY);
}
