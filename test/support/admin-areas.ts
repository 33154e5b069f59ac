// All areas of the admin API with their real parts, and with what the examples of their operations name.
import { areasOf } from '../../admin/api/areas.ts';
import type { Authenticator } from '../../admin/api/authenticator.ts';
import type { Area } from '../../admin/api/operation.ts';
import { csrfTokenOf } from '../../admin/identity/credential.ts';
import { ConfigurationFolder } from './configuration-folder.ts';
import { EXAMPLE_SECRETS, IdentityAreas } from './identity-areas.ts';

export interface TestAreas {
  readonly areas: readonly Area[];
  readonly authenticator: Authenticator;
  /** Makes what the examples of an area name, anew. */
  prepare(area: string): Promise<void>;
  stop(): Promise<void>;
}

/** Makes them. */
export function makeTestAreas(): TestAreas {
  const parts = new IdentityAreas();
  const folder = new ConfigurationFolder();
  return {
    areas: areasOf({ health: { troubles: () => ({}) }, identity: parts.identity, configuration: folder.store }),
    authenticator: parts.identity.authenticator,
    prepare: async (area) => {
      await parts.prepare(area);
      if (area === 'configuration') await folder.prepare();
    },
    stop: async () => {
      await folder.stop();
      await parts.stop();
    },
  };
}

/** The headers of a page of this server with the session of a caller. */
export function sessionOf(caller: keyof typeof EXAMPLE_SECRETS): Readonly<Record<string, string>> {
  const secret = EXAMPLE_SECRETS[caller];
  return { cookie: `weir-session=${secret}`, 'weir-csrf-token': csrfTokenOf(secret), 'sec-fetch-site': 'same-origin' };
}
