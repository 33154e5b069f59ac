// The settings of second factors, in the flags of `weir admin` and `weir up`.
import path from 'node:path';
import type { Flags, FlagValues } from '#lib/flags.ts';
import type { KeySettings } from './identity/key-file.ts';
import type { AdminStoreSettings } from './store/admin-store.ts';

const NEED = ['optional', 'required'] as const;

export const FACTOR_FLAGS: Flags = {
  'admin-key-file': {
    default: '',
    value: 'FILE',
    text: 'file with the key that seals secrets of second factors; by default admin.key beside a store that is a file, made at the first start',
    see: 'admin-login.md#second-factors',
  },
  'admin-second-factor': {
    default: 'optional',
    value: NEED.join('|'),
    words: NEED,
    text: 'required: users with a password have no rights before they have a second factor',
  },
};

/** Where the keys are. Replicas that share a database need the same key, so none is made for them. */
export function readKeySettings(values: FlagValues, store: AdminStoreSettings): KeySettings {
  const given = values.text('admin-key-file');
  if (given !== '' || store.kind !== 'sqlite') return { file: given, isMade: false };
  return { file: path.join(path.dirname(store.file), 'admin.key'), isMade: true };
}

/** Whether users with a password need a second factor. */
export function readNeed(values: FlagValues): boolean {
  return values.word('admin-second-factor', NEED) === 'required';
}
