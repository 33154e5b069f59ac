// The keys of sessions, as proxies get them while an object needs them.
import { SESSION_KEYS } from '#api/ir/ir.ts';
import { valueOnly, type UnitKind, type View } from './view.ts';

/** The units of objects that keep sessions read it with `needSessionKeys`. */
export const sessionKeysUnit: UnitKind<null> = {
  name: 'session-keys',
  stage: 'leaf',
  fallback: () => null,
  compile(view) {
    const keys = view.sessionKeys();
    return { ...valueOnly(null), resources: keys.length === 0 ? [] : [{ kind: 'SessionKeys', key: SESSION_KEYS, keys: [...keys] }] };
  },
};

/** Proxies get the keys as long as the unit that calls this exists. */
export function needSessionKeys(view: View): void {
  view.read(sessionKeysUnit, SESSION_KEYS);
}
