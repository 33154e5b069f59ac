// The filter of operators by route.

/** `HTTPRoute/default/app/0` is of itself, `HTTPRoute/default/app`, `default/app` and `default`. */
export function isOfRoute(key: string, wanted: string): boolean {
  const own = `${key}/`;
  return own.startsWith(`${wanted}/`) || own.slice(own.indexOf('/') + 1).startsWith(`${wanted}/`);
}
