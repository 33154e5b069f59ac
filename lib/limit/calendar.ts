// Windows of the clock and of the calendar, in UTC.

/** A window: from its start to just before its end, milliseconds as Date.now(). */
export interface Window {
  readonly start: number;
  readonly end: number;
}

/** The window with this moment. */
export type WindowOf = (wall: number) => Window;

/** The units of quotas. */
export const CALENDAR_UNITS = ['Second', 'Minute', 'Hour', 'Day', 'Week', 'Month'] as const;
export type CalendarUnit = (typeof CALENDAR_UNITS)[number];

const DAY_MS = 86_400_000;
/** The first Monday after the epoch: weeks begin with it (ISO 8601). */
const FIRST_MONDAY_MS = 4 * DAY_MS;

const LENGTHS = { Second: 1_000, Minute: 60_000, Hour: 3_600_000, Day: DAY_MS, Week: 7 * DAY_MS } as const;

/** Windows of a fixed length, aligned to the epoch, so that all proxies have the same. */
export function clockWindows(lengthMs: number, offsetMs = 0): WindowOf {
  return (wall) => {
    const start = Math.floor((wall - offsetMs) / lengthMs) * lengthMs + offsetMs;
    return { start, end: start + lengthMs };
  };
}

/** Windows of the calendar. */
export function calendarWindows(unit: CalendarUnit): WindowOf {
  if (unit === 'Month') return monthOf;
  return clockWindows(LENGTHS[unit], unit === 'Week' ? FIRST_MONDAY_MS : 0);
}

/** The length of a unit, seconds; of a month its longest. */
export function secondsOf(unit: CalendarUnit): number {
  return unit === 'Month' ? 31 * 86_400 : LENGTHS[unit] / 1_000;
}

function monthOf(wall: number): Window {
  const date = new Date(wall);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return { start: Date.UTC(year, month), end: Date.UTC(year, month + 1) };
}
