// A plugin that greets: it refuses requests without a name, and adds a header to the answers for the others.
import { definePlugin } from '@weir/sdk';

interface Config {
  readonly greeting: string;
}

export default definePlugin<Config>({
  onRequest(request, { state, metrics }) {
    const name = new RegExp('(?:^|&)name=([A-Za-z]+)').exec(request.query)?.[1];
    if (name === undefined) return { status: 400, headers: { 'content-type': 'text/plain' }, body: 'who are you?\n' };
    metrics.count('greeted');
    state['name'] = name;
    return undefined;
  },
  onResponse(response, _request, { config, state }) {
    if (state['name'] !== undefined) response.headers.set('x-greeting', `${config.greeting}, ${String(state['name'])}`);
  },
});
