// Text order.

/** For `sort`: compares by code unit, which gives the same order on every machine, unlike localeCompare. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
