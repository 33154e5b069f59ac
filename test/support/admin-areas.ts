// All areas of the admin API with their real parts, and with what the examples of their operations name.
import { areasOf } from '../../admin/api/areas.ts';
import type { Authenticator } from '../../admin/api/authenticator.ts';
import type { Area } from '../../admin/api/operation.ts';
import { AuditLog } from '../../admin/audit/audit-log.ts';
import { AuditWriter } from '../../admin/audit/audit-writer.ts';
import { append, headOf } from '../../admin/audit/entry-table.ts';
import { csrfTokenOf } from '../../admin/identity/credential.ts';
import { EXAMPLE_LOGIN, LOGIN_COOKIE } from '../../admin/oidc/operations.ts';
import type { BundleParts } from '../../admin/diagnostics/bundle.ts';
import type { Live } from '../../admin/live/live.ts';
import { Usage } from '../../admin/usage/usage.ts';
import type { Store } from '#lib/store/store.ts';
import { ExampleProvider } from './example-provider.ts';
import { ExampleRepository } from './example-repository.ts';
import { exampleController } from './example-controller.ts';
import { createLog } from '#lib/log.ts';
import { RevisionRecorder } from '../../admin/revisions/recorder.ts';
import { contentOf } from '../../admin/revisions/revision.ts';
import { record, setKnown } from '../../admin/revisions/revision-table.ts';
import { Revisions } from '../../admin/revisions/revisions.ts';
import { facts } from './audit-entries.ts';
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
  const people = new ExampleProvider();
  const live = exampleController();
  const recorder = new RevisionRecorder(parts.store, 'folder', createLog('silent'));
  const repository = new ExampleRepository(folder.store);
  return {
    areas: areasOf({
      health: { troubles: () => ({}) },
      identity: parts.identity,
      oidc: people.loginFor(parts.identity),
      configuration: folder.store,
      store: parts.store,
      revisions: new Revisions(parts.store, recorder),
      proposals: repository.proposals,
      audit: new AuditLog(parts.store),
      usage: usageOf(parts),
      live,
      diagnostics: diagnosticsOf(folder, parts.store, live),
    }),
    authenticator: parts.identity.authenticator,
    prepare: async (area) => {
      await parts.prepare(area);
      if (['configuration', 'impact', 'trials'].includes(area)) await folder.prepare();
      if (area === 'proposals') await repository.prepare();
      if (area === 'oidc') await people.prepare();
      if (area === 'revisions') await addFirstRevision(folder, parts.store);
      if (area === 'audit') await addFirstEntry(parts.store);
    },
    stop: async () => {
      await folder.stop();
      await people.stop();
      await repository.stop();
      await parts.stop();
    },
  };
}

function usageOf({ store, identity }: IdentityAreas): Usage {
  const log = createLog('silent');
  return new Usage({ store, auditor: new AuditWriter(store, log), sessions: identity.limits, log });
}

function diagnosticsOf({ store: configuration }: ConfigurationFolder, store: Store, live: Live): BundleParts {
  const nothing = { settings: [], troubles: () => ({}), logLines: () => [], families: () => [] };
  return { ...nothing, configuration, audit: new AuditLog(store), live };
}

/** The revision that the examples name, and that is in force; there is no other. */
async function addFirstRevision(folder: ConfigurationFolder, store: Store): Promise<void> {
  await folder.prepare();
  const stored = await folder.store.get({ kind: 'HTTPRoute', namespace: 'storefront', name: 'cart' });
  if (!stored.ok) throw new Error(stored.error.detail);
  const { ref, object } = stored.value;
  const actor = { kind: 'program', id: '', name: 'shop.yaml' } as const;
  const change = { ref, content: contentOf(object), actor, reason: '', origin: 'folder', requestId: '', isCertain: false } as const;
  const done = await store.write(async (t) => {
    for (const table of ['weir_admin_revisions', 'weir_admin_revision_contents']) await t.run(`DELETE FROM ${table}`);
    await t.run('UPDATE weir_admin_revisions_head SET revision = 0, at = 0, known_revision = 0, known_since = 0');
    await record(t, [change]);
    await setKnown(t);
  });
  if (!done.ok) throw new Error(done.error);
}

/** The entry that the example of audit.get names. */
async function addFirstEntry(store: Store): Promise<void> {
  const done = await store.write(async (t) => {
    if ((await headOf(t)).sequence === 0) await append(t, [facts()]);
  });
  if (!done.ok) throw new Error(done.error);
}

/** The cookie of the browser that logs in at the provider in the examples. */
export function loginHeaders(): Readonly<Record<string, string>> {
  return { cookie: `${LOGIN_COOKIE}=${EXAMPLE_LOGIN.secret}` };
}

/** The headers of a page of this server with the session of a caller. */
export function sessionOf(caller: keyof typeof EXAMPLE_SECRETS): Readonly<Record<string, string>> {
  const secret = EXAMPLE_SECRETS[caller];
  return { cookie: `weir-session=${secret}`, 'weir-csrf-token': csrfTokenOf(secret), 'sec-fetch-site': 'same-origin' };
}
