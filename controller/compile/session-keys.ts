// The keys of sessions, as proxies get them while an object needs them.
import { SESSION_KEYS } from '#api/ir/ir.ts';
import { valueOnly, type UnitKind, type View } from './view.ts';

/** The units of objects that keep sessions read it with `needSessionKeys`. Its value is the reason why there are no keys; '' if there are. */
export const sessionKeysUnit: UnitKind<string> = {
  name: 'session-keys',
  stage: 'leaf',
  fallback: () => '',
  compile(view) {
    const keys = view.sessionKeys();
    const isLacking = keys.length === 0;
    const lack = isLacking ? lackOf(view.options.sessionSecret) : '';
    return { ...valueOnly(lack), resources: isLacking ? [] : [{ kind: 'SessionKeys', key: SESSION_KEYS, keys: [...keys] }] };
  },
};

/** Proxies get the keys as long as the unit that calls this exists. Returns why there are none, for statuses; '' if there are. */
export function needSessionKeys(view: View): string {
  return view.read(sessionKeysUnit, SESSION_KEYS);
}

function lackOf(secret: string | null): string {
  if (secret === null) return '';
  const cause =
    secret === ''
      ? 'the controller runs without --session-secret'
      : `the controller cannot use the Secret ${secret} (--session-secret; its log has the reason)`;
  return `proxies keep no sessions, because ${cause}`;
}
