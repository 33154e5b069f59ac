// `weir logout`: ends the session of a context, and forgets its credentials.
import { flagsOf, FlagValues, type FlagGroup } from '#lib/flags.ts';
import { API_FLAGS, apiEnvironment, apiTargetOf } from './admin-api/api-target.ts';
import { changeContext, contextFile } from './admin-api/context-file.ts';
import { problemText } from './admin-api/problem-text.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

const FLAGS: readonly FlagGroup[] = [
  { title: '', flags: { context: API_FLAGS.context, 'ca-file': API_FLAGS['ca-file'], timeout: API_FLAGS.timeout } },
];

export const logout: Command = {
  name: 'logout',
  arguments: '',
  summary:
    'Ends the session of a context at the server and forgets its credentials. A token stays valid until it is revoked: weir tokens revoke.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const { WEIR_SERVER: _, WEIR_TOKEN_FILE: __, ...environment } = apiEnvironment();
    const values = new FlagValues(args, flagsOf(FLAGS), environment);
    const target = apiTargetOf(values, { ...process.env, WEIR_TOKEN: '' });
    const { client, name } = target;
    if (name === null) throw new UsageError('weir logout needs a context');
    const ended = await client.call('account.logout');
    changeContext(contextFile(), name, (former) => {
      if (former === undefined) return undefined;
      const { session: _session, token: _token, ...rest } = former;
      return rest;
    });
    console.log(`the context ${name} has no credentials any more`);
    // A session that had ended before, and a token, have nothing to end.
    if (ended.ok || [401, 403].includes(ended.error.status)) return 0;
    console.error(`weir: the session was not ended at the server, and ends by itself: ${problemText(ended.error, target)}`);
    return 1;
  },
};
