// Numbers in tables of the command line.

/** Per second, with two decimals below ten. */
export function rateText(perSecond: number): string {
  if (perSecond === 0) return '0';
  return perSecond < 10 ? perSecond.toFixed(2) : perSecond.toFixed(0);
}

/** Milliseconds; '' for null. */
export function millisecondsText(ms: number | null): string {
  if (ms === null) return '';
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}
