// The times in fields of HTTP (RFC 9110 section 5.6.7).

const IMF = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/;
const RFC_850 =
  /^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d\d)-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-(\d\d) (\d\d:\d\d:\d\d) GMT$/;
const ASCTIME = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([ \d]\d) (\d\d:\d\d:\d\d) (\d{4})$/;

/** Milliseconds since the epoch; null: the text is no time in any of the three forms. */
export function parseHttpTime(text: string): number | null {
  if (IMF.test(text)) return orNull(Date.parse(text));
  const old = RFC_850.exec(text);
  if (old !== null) return orNull(Date.parse(`${old[2]} ${old[3]} ${century(Number(old[4]))} ${old[5]} GMT`));
  const c = ASCTIME.exec(text);
  return c === null ? null : orNull(Date.parse(`${c[3]?.trim()} ${c[2]} ${c[5]} ${c[4]} GMT`));
}

/** A year that seems more than 50 years ahead is in the past. */
function century(year: number): number {
  const now = new Date().getUTCFullYear();
  const near = Math.floor(now / 100) * 100 + year;
  return near > now + 50 ? near - 100 : near;
}

function orNull(time: number): number | null {
  return Number.isNaN(time) ? null : time;
}
