// Weights of backends: without a usable one requests of both protocols and calls fail with an error that clients may retry.
import { expect, test } from '@jest/globals';
import { closeAfterEach, closeLater, get, openClient, openUpstream } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { status } from '../support/message.ts';
import { EchoClient, status as grpc, UNARY } from '../grpc/echo.ts';
import { openRoutes } from './routes.ts';

closeAfterEach();

test('backends of weight 0 alone are answered with 503, in HTTP/1.1 and HTTP/2', async () => {
  const upstream = await openUpstream();
  const { port } = await openRoutes([{ port: upstream.port, weight: 0 }]);
  const answer = await (await openClient(port)).ask(get());
  expect([status(answer), JSON.parse(answer.body).code]).toEqual([503, 'weights_zero']);
  expect((await request(openSession(port))).status).toBe(503);
  expect(upstream.connections).toEqual([]);
});

test('a call gets UNAVAILABLE', async () => {
  const { port } = await openRoutes([{ port: 1, weight: 0 }], 'GRPCRoute');
  const client = new EchoClient(port);
  closeLater(() => client.close());
  expect((await client.call(UNARY, [Buffer.from('x')])).code).toBe(grpc.UNAVAILABLE);
});
