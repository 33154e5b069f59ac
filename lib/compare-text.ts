// The order of texts.

/** For `sort`: by code unit, the same on every machine, unlike localeCompare. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
