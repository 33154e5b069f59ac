// `weir plugin test examples/plugin` runs these tests.
import { equal, play, test } from '@weir/sdk/test';
import greeting from './greeting.ts';

const config = { greeting: 'hello' };

test('a request without a name is refused', async () => {
  const { reply } = await play(greeting, { config });
  equal(reply?.status, 400);
});

test('an answer has a greeting', async () => {
  const { response, metrics } = await play(greeting, { config, request: { query: 'name=ada' } });
  equal([response.headers.get('x-greeting'), metrics], ['hello, ada', { greeted: 1 }]);
});
